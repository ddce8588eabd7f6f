"""Old spellings: as data (names), at one border (border), and in programs that import Keras (run)."""

"""Files that would run code, read other files or fill the memory are refused, and say why.

Every payload carries a canary: what it would do, if it ran, is to make a file, or to read one that is there.
"""

import ast
import base64
import concurrent.futures
import inspect
import io
import json
import marshal
import stat
import struct
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import cornu
from cornu import layers, models, registry, safety, saving, scope
from cornu.base import Configurable
from cornu.saving import h5_reader
from cornu.saving.archive import to_bytes
from cornu.utils import io_utils

SOURCE = Path(cornu.__file__).parent


@pytest.fixture
def canary(tmp_path):
    """The path of a file that nothing may make."""
    path = tmp_path / "canary"
    yield path
    assert not path.exists(), "code from the file was run"


def small() -> models.Sequential:
    return models.Sequential([cornu.Input((3,)), layers.Dense(2, name="dense")], name="small")


def contents(model=None) -> dict[str, bytes]:
    """The members of a good archive."""
    image = io.BytesIO()
    image.write(to_bytes(model or small()))
    with zipfile.ZipFile(image) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(path: Path, members: dict[str, bytes], **options) -> Path:
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def with_layers(path: Path, *heads: dict, ending: str = "keras") -> Path:
    """A file whose configuration has other layers after the good ones."""
    members = contents()
    description = json.loads(members["config.json"])
    description["config"]["layers"] += heads
    return written(path, description, ending)


def written(path: Path, description: dict, ending: str = "keras") -> Path:
    """A description in a file of that kind, with the weights of the small model."""
    path = path / f"evil.{ending}"
    if ending == "json":
        path.write_text(json.dumps(description))
    elif ending == "h5":
        small().save(path)
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = json.dumps(description).encode()
    else:
        archive(path, {**contents(), "config.json": json.dumps(description).encode()})
    return path


def read(path: Path, **options):
    if path.suffix == ".json":
        return models.model_from_json(path.read_text(), **options)
    return saving.load_model(path, **options)


def code_that_makes(path: Path) -> str:
    code = compile(f"lambda x: (open({str(path)!r}, 'w').close(), x)[1]", "<canary>", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(code)).decode()


def function(module: str, name: str) -> dict:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def head(class_name: str, module: str = "keras.layers", calls=None, **config) -> dict:
    made = {"module": module, "class_name": class_name, "config": config, "registered_name": None}
    return made if calls is None else {**made, "name": config["name"], "inbound_nodes": calls}


# ---- code ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["keras", "h5", "json"])
@pytest.mark.parametrize("era", ["1", "2", "3", "shape", "mask"])
def test_marshalled_code(tmp_path, canary, ending, era):
    """CVE-2024-3660 and CVE-2025-9905: the code of a Lambda, in each format and in the words of each era."""
    code = code_that_makes(canary)
    modern = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    config = {
        "1": {"function": code, "function_type": "lambda", "arguments": {}},
        "2": {"function": [code, None, None], "function_type": "lambda", "output_shape_type": "raw"},
        "3": {"function": modern},
        "shape": {"function": "relu", "output_shape": [code, None, None], "output_shape_type": "lambda"},
        "mask": {"function": "relu", "mask": modern},
    }[era]
    path = with_layers(tmp_path, head("Lambda", name="evil", **config), ending=ending)
    with pytest.raises(ValueError, match="Python code.*If you trust who made it.*safe_mode=False"):
        read(path, custom_objects={"relu": abs})


@pytest.mark.parametrize("safe_mode", [True, None, 0, ""])
def test_only_false_is_false(tmp_path, canary, safe_mode):
    """CVE-2026-12481: a mode that is not said is the safe one."""
    config = {"code": code_that_makes(canary), "defaults": None, "closure": None}
    lambda_ = head("Lambda", name="evil", function={"class_name": "__lambda__", "config": config})
    with pytest.raises(ValueError, match="Python code"):
        saving.load_model(with_layers(tmp_path, lambda_), safe_mode=safe_mode)
    with pytest.raises(ValueError, match="Python code"):
        layers.Lambda.from_config(lambda_["config"], safe_mode=safe_mode)
    with pytest.raises(ValueError, match="Python code"):
        saving.deserialize_keras_object(lambda_)


def test_who_is_trusted_may_run_code(tmp_path):
    """The same way in, when it is opened, leads to the code: what the tests above refuse is no empty payload."""
    path = tmp_path / "canary"
    config = {"code": code_that_makes(path), "defaults": None, "closure": None}
    model = with_layers(
        tmp_path, head("Lambda", name="evil", function={"class_name": "__lambda__", "config": config})
    )
    saving.load_model(model, safe_mode=False)
    assert path.exists()


IMPORTED = [
    ("os", "system"),
    ("builtins", "eval"),
    ("subprocess", "Popen"),
    ("numpy", "load"),
    ("keras.utils", "get_file"),  # CVE-2025-8747: a function of the library that is of use to others
    ("keras.src.utils.file_utils", "get_file"),
    ("keras.config", "enable_unsafe_deserialization"),  # CVE-2025-9906: what would open the door
    ("keras.saving", "load_model"),
    ("keras.models", "load_model"),
    ("keras.src.backend.common.global_state", "set_global_attribute"),
    ("cornu.safety", "enable_unsafe_deserialization"),
    ("cornu.layers.code", "load"),
    ("cornu.utils.files", "get_file"),
]


@pytest.mark.parametrize(("module", "name"), IMPORTED)
@pytest.mark.parametrize("as_class", [False, True])
def test_nothing_is_imported(tmp_path, canary, module, name, as_class):
    """CVE-2025-1550: modules and functions by name, as a layer, as what a Lambda calls, as an activation."""
    call = [{"args": [f"touch {canary}"], "kwargs": {}}]
    named = head(name, module, name="evil") if as_class else function(module, name)
    places = [
        {
            **(
                head(name, module, call, name="evil")
                if as_class
                else {**named, "inbound_nodes": call, "name": "evil"}
            )
        },
        head("Lambda", name="evil", function=named, arguments={"safe_mode": False}),
        head("Dense", name="evil", units=2, activation=named),
        head("TimeDistributed", name="evil", layer=named),
    ]
    for each in places:
        for ending in ("keras", "h5", "json"):
            with pytest.raises(ValueError, match="(none of the library's|not known here).*custom_objects"):
                read(with_layers(tmp_path, each, ending=ending))
    assert scope.call.safe


def test_nothing_is_imported_for_compile(tmp_path, canary):
    members = contents()
    description = json.loads(members["config.json"])
    description["compile_config"] = {
        "optimizer": "sgd",
        "loss": function("os", "system"),
        "metrics": [str(canary)],
    }
    with pytest.raises(ValueError, match="'os.system' is none of the library's"):
        read(written(tmp_path, description))


@pytest.mark.parametrize("name", ["TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"])
def test_layers_that_hold_other_programs(tmp_path, canary, name):
    """CVE-2025-49655 and CVE-2026-1462: layers whose configuration is a pickle or the path of one."""
    evil = head(
        name, name="evil", module=base64.b64encode(f"cos\nsystem\n(S'touch {canary}'\ntR.".encode()).decode()
    )
    evil["module"] = "keras.layers"
    with pytest.raises(ValueError, match=f"{name}' is not known here"):
        read(with_layers(tmp_path, evil))


def test_a_class_of_the_users_is_not_taken_for_ours(tmp_path):
    evil = head("Dense", "my.layers", name="evil", units=2) | {"registered_name": "my>Dense"}
    with pytest.raises(ValueError, match="'my.layers.Dense' is none of the library's"):
        read(with_layers(tmp_path, evil))


def test_calls_on_nothing(tmp_path):
    """Operations are called on what layers make: on numbers they would compute, as much as the file likes."""
    x = cornu.Input((3,), name="x")
    description = json.loads(models.Model(x, layers.Dense(2)(x), name="m").to_json())
    for module in ("cornu.ops", "keras.ops.numpy"):
        evil = {"module": module, "class_name": "Operation", "config": {"name": "arange"}, "name": "evil"}
        evil["inbound_nodes"] = [{"args": [10**12], "kwargs": {}}]
        changed = json.loads(json.dumps(description))
        changed["config"]["layers"].append(evil)
        with pytest.raises(ValueError, match="calls 'evil' on nothing that a layer makes"):
            models.model_from_config(changed)


YAML = [
    "!!python/object/apply:os.system ['touch {}']",
    "!!python/object/new:os.system ['touch {}']",
    "!!python/name:os.system ''",
    "!!python/module:os ''",
    "class_name: !!python/object/apply:os.system ['touch {}']",
]


@pytest.mark.parametrize("text", YAML)
def test_yaml_runs_nothing(canary, text):
    pytest.importorskip("yaml")
    with pytest.raises(ValueError, match="YAML that can be read without running code"):
        models.model_from_yaml(text.format(canary))


def test_yaml_that_laughs():
    pytest.importorskip("yaml")
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    with pytest.raises(saving.UnsafeFile, match="lists and dictionaries"):
        models.model_from_yaml("\n".join(["class_name: Sequential", "config:", *(f"  {x}" for x in lines)]))
    with pytest.raises(saving.UnsafeFile, match="nested deeper"):
        models.model_from_yaml("class_name: Sequential\nconfig: &a\n  layers: *a")


def test_yaml_that_merges():
    """Each line has eight times what the line before has: never written by Keras, and without end here."""
    pytest.importorskip("yaml")
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 8)}]}}" for i in range(1, 25)]
    with pytest.raises(saving.UnsafeFile, match="merges dictionaries"):
        models.model_from_yaml("\n".join(lines))


def test_pickles_are_not_read(tmp_path, canary):
    np.save(tmp_path / "a.npy", np.array([canary], object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        io_utils.load_array(tmp_path / "a.npy")


# ---- what the source may do ----------------------------------------------------------------------

MAY = {  # module -> what it may use of what runs code, and why
    "layers/code.py": {"marshal"},  # behind safe_mode
    "datasets/readers.py": {"pickle"},  # by an unpickler that knows arrays only
    "ops/table.py": {"eval"},  # signatures that stand in the source
    "eras/backend_table.py": {"eval"},  # the same
    "eras/run.py": {"importlib", "exec", "compile", "runpy"},  # runs the program it is given
    "eras/explain.py": {"importlib"},  # of that program
    "eras/inside.py": {"importlib"},  # packages by names that stand there, or that the program says
    "eras/surroundings.py": {
        "importlib",
        "pickle",
    },  # modules that the program imports, `six.moves.cPickle` among them
    "cli.py": {"importlib"},  # its own version
    "__init__.py": {"importlib"},  # its own modules
    "ops/onednn.py": {"importlib"},  # a package of kernels, by a name that stands there
    "preprocessing/__init__.py": {"importlib"},  # the same
    "utils/__init__.py": {"importlib"},  # the same
}
RUNS_CODE = {
    "marshal",
    "pickle",
    "eval",
    "exec",
    "compile",
    "importlib",
    "__import__",
    "runpy",
    "dill",
    "joblib",
}


def used(tree: ast.AST) -> set[str]:
    found = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found & RUNS_CODE


def test_who_may_run_code():
    trees = {
        file.relative_to(SOURCE).as_posix(): ast.parse(file.read_text("utf8"))
        for file in SOURCE.rglob("*.py")
    }
    assert {name: found for name, tree in trees.items() if (found := used(tree) - MAY.get(name, set()))} == {}
    loads = [
        (name, node)
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "numpy.load", "jnp.load")
    ]
    assert loads
    for name, node in loads:
        assert "allow_pickle=False" in ast.unparse(node), name


# ---- other files ---------------------------------------------------------------------------------

PATHS = {"file", "filename", "filepath", "fname", "path", "url", "vocabulary", "idf_weights", "directory"}


def test_arguments_that_name_files():
    """Whoever takes the name of a file by an argument says so, and no configuration may give one (CVE-2025-12058)."""
    classes = {
        item for table in registry.FAMILIES.values() for item in table.values() if inspect.isclass(item)
    }
    for cls in classes:
        named = PATHS & set(inspect.signature(cls.__init__).parameters)
        assert named <= set(getattr(cls, "outside", ())), cls


@pytest.mark.parametrize("where", ["/etc/hostname", "https://example.org/words", "gs://bucket/words"])
def test_no_file_is_opened_for_a_configuration(where, monkeypatch):
    class Lookup(Configurable):
        outside = ("vocabulary",)

        def __init__(self, vocabulary=None):
            self.words = open(vocabulary).read() if isinstance(vocabulary, str) else vocabulary

    monkeypatch.setitem(registry.FAMILIES["layers"], "Lookup", Lookup)
    with pytest.raises(
        ValueError, match="Lookup: the configuration names a file, vocabulary=.*none is opened"
    ):
        saving.deserialize_keras_object(head("Lookup", vocabulary=where))
    assert saving.deserialize_keras_object(head("Lookup", vocabulary=["a"])).words == ["a"]


def linked(kind: str, secret: Path):
    """What makes the kernel in a file of weights lie elsewhere."""
    shape = (3, 2)

    def change(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        group = file["layers/dense/vars"]
        if kind == "external link":
            group["0"] = h5py.ExternalLink(str(secret), "/data")
        elif kind == "group link":  # where a part of the way is one
            del file["layers/dense"]
            file["layers/dense"] = h5py.ExternalLink(str(secret), "/")
        elif kind == "soft link":
            group["0"] = h5py.SoftLink("/layers/dense/vars/1")
        elif kind == "external storage":
            raw = secret.with_suffix(".bin")
            raw.write_bytes(bytes(24))
            group.create_dataset("0", shape, "f4", external=[(str(raw), 0, 24)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout(shape, "f4")
            layout[:] = h5py.VirtualSource(str(secret), "data", shape)
            group.create_virtual_dataset("0", layout)

    return change


def with_weights(path: Path, change, ending: str) -> Path:
    """A file whose weights a function has changed."""
    image = io.BytesIO(contents()["model.weights.h5"])
    with h5py.File(image, "r+") as file:
        change(file)
    path = path / f"evil.{ending}"
    if ending == "weights.h5":
        path.write_bytes(image.getvalue())
    else:
        archive(path, {**contents(), "model.weights.h5": image.getvalue()})
    return path


LINKS = ["external link", "group link", "soft link", "external storage", "virtual"]


@pytest.mark.parametrize("ending", ["keras", "weights.h5"])
@pytest.mark.parametrize("kind", LINKS)
def test_weights_that_lie_in_other_files(tmp_path, kind, ending):
    """CVE-2026-1669 and what followed: links, external storage and virtual datasets are no weights."""
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["data"] = file["vars/0"] = np.full((3, 2), 42, "f4")
        file["vars/1"] = np.zeros(2, "f4")
    path = with_weights(tmp_path, linked(kind, secret), ending)
    if ending == "weights.h5":
        with h5py.File(path) as file:
            assert file["layers/dense/vars/0"].size  # the library would read it
    model = small()
    before = model.get_weights()
    with pytest.raises(saving.UnsafeFile, match="which Keras never writes.*safe_mode=False"):
        model.load_weights(path)
    np.testing.assert_equal(model.get_weights(), before)
    if ending == "keras":
        with pytest.raises(saving.UnsafeFile, match="which Keras never writes"):
            saving.load_model(path)


def test_names_of_weights_that_lead_through_links(tmp_path):
    """The attributes of the older layout name paths; a link on the way is not followed."""
    path, secret = tmp_path / "w.h5", tmp_path / "secret.h5"
    small().save_weights(path)
    with h5py.File(secret, "w") as file:
        file["kernel"] = np.full((3, 2), 42, "f4")
    with h5py.File(path, "r+") as file:
        names = [b"out/kernel", *file["dense"].attrs["weight_names"][1:]]
        file["dense"]["out"] = h5py.ExternalLink(str(secret), "/")
        file["dense"].attrs["weight_names"] = names
        assert file["dense"]["out/kernel"][0, 0] == 42
    with pytest.raises(saving.UnsafeFile, match="link to another file"):
        small().load_weights(path)


def test_filters_load_no_plugins(tmp_path):
    def change(file):
        del file["layers/dense/vars/0"]
        file.create_dataset(
            "layers/dense/vars/0", data=np.zeros((3, 2), "f4"), chunks=(3, 2), compression="lzf"
        )

    with pytest.raises(saving.UnsafeFile, match="filter 32000"):
        small().load_weights(with_weights(tmp_path, change, "weights.h5"))


@pytest.mark.parametrize(
    "dtype", [h5py.ref_dtype, h5py.vlen_dtype("f4"), np.dtype([("a", "f4")]), np.dtype("c8")]
)
def test_values_that_are_no_numbers(tmp_path, dtype):
    def change(file):
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", (3, 2), dtype)

    with pytest.raises(saving.UnsafeFile, match="no numbers and no text"):
        small().load_weights(with_weights(tmp_path, change, "weights.h5"))


# ---- archives ------------------------------------------------------------------------------------


def link_member() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("assets/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


MEMBERS = [
    ("../evil", "leads out of it"),
    ("assets/../../evil", "leads out of it"),
    ("/evil", "leads out of it"),
    ("\\evil", "leads out of it"),
    ("..\\evil", "leads out of it"),
    ("C:\\evil", "leads out of it"),
    ("config.json", "two members 'config.json'"),
    (link_member(), "is a link or device"),
]


@pytest.mark.parametrize(("member", "words"), MEMBERS, ids=lambda each: str(each)[:20])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_lead_elsewhere(tmp_path, member, words):
    path = tmp_path / "evil.keras"
    with zipfile.ZipFile(archive(path, contents()), "a") as file:
        file.writestr(member, b"{}")
    for load in (saving.load_model, small().load_weights):
        with pytest.raises(saving.UnsafeFile, match=words):
            load(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["evil.keras"]


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "assets/more"])
def test_archives_that_swell(tmp_path, name):
    """A member of 100 MB that takes 100 KB in the file."""
    path = archive(
        tmp_path / "evil.keras", {**contents(), name: b" " * 10**8}, compression=zipfile.ZIP_DEFLATED
    )
    assert path.stat().st_size < 200_000
    for load in (saving.load_model, small().load_weights):
        with pytest.raises(saving.UnsafeFile, match="declares .*, but has only"):
            load(path)


def test_archives_that_say_less_than_they_hold(tmp_path):
    """A member that declares another size than what comes out of it."""
    path = archive(tmp_path / "evil.keras", contents(), compression=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"config.json") - 46  # in the directory at the end
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(data)
    with pytest.raises(saving.UnsafeFile, match="damaged|no JSON"):
        saving.load_model(path)


def test_what_is_no_whole_archive(tmp_path):
    path = archive(tmp_path / "evil.keras", {"metadata.json": b"{}"})
    for load in (saving.load_model, small().load_weights):
        with pytest.raises(saving.UnsafeFile, match="no whole .keras archive: it has no"):
            load(path)


def test_names_of_layers_are_no_paths(tmp_path):
    """CVE-2026-12479: what a layer is called is never a place on the disk."""
    with pytest.raises(ValueError, match="a string without '/'"):
        layers.Dense(2, name="../out")
    (tmp_path / "in").mkdir()
    model = models.Sequential([cornu.Input((3,)), layers.Dense(2, name="..")], name="..")
    for ending in ("keras", "h5", "weights.h5"):
        path = tmp_path / "in" / f"m.{ending}"
        (model.save_weights if ending == "weights.h5" else model.save)(path)
        model.load_weights(path)
    assert [each.name for each in tmp_path.iterdir()] == ["in"]
    assert len(list((tmp_path / "in").iterdir())) == 3


# ---- memory and time -----------------------------------------------------------------------------


def huge(**options):
    def change(file):
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", (50_000_000, 50_000_000), "f4", **options)

    return change


@pytest.mark.parametrize("options", [{}, {"chunks": (1, 1)}, {"chunks": (1000, 1000), "compression": "gzip"}])
@pytest.mark.parametrize("ending", ["keras", "weights.h5"])
def test_shapes_that_swell(tmp_path, ending, options):
    """CVE-2026-0897: a shape of petabytes in a file of kilobytes."""
    path = with_weights(tmp_path, huge(**options), ending)
    with pytest.raises(saving.UnsafeFile, match="no data for all of it|declares an array|does not fit"):
        small().load_weights(path)


def test_a_group_within_itself(tmp_path):
    """Whoever lists what is in it would never come to an end."""
    path = tmp_path / "a.weights.h5"
    small().save_weights(path)
    with h5py.File(path, "r+") as file:
        for name in ("one", "two"):
            file[f"layers/dense/{name}"] = file["layers"]
    for read_it in (small().load_weights, saving.archive.arrays_in):
        with pytest.raises(saving.UnsafeFile, match="a group in two places"):
            read_it(path)


def test_one_array_in_very_many_places(tmp_path, monkeypatch):
    """A list of layers that names one of them again and again, as often as the file likes."""
    monkeypatch.setattr(safety, "FLOOR", 1 << 20)
    model, path = models.Sequential([cornu.Input((300,)), layers.Dense(300, name="a")]), tmp_path / "w.h5"
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = np.array([b"a"] * 10_000)
    with pytest.raises(saving.UnsafeFile, match="the same arrays in very many places"):
        model.load_weights(path)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_layers_larger_than_their_file(tmp_path, ending):
    for number, config in enumerate(({"units": 10**12}, {"units": 10**7})):
        path = with_layers(tmp_path, head("Dense", name=f"evil{number}", **config), ending=ending)
        with pytest.raises(
            saving.UnsafeFile, match=r"a weight 'kernel' of shape \(2, 10*\), but the file has 8 numbers"
        ):
            read(path)


@pytest.mark.parametrize(
    ("name", "config"), [("AUC", {"num_thresholds": 10**10}), ("MeanIoU", {"num_classes": 10**6})]
)
def test_metrics_larger_than_their_file(tmp_path, name, config):
    metric = {"module": "keras.metrics", "class_name": name, "config": config, "registered_name": None}
    description = json.loads(contents()["config.json"])
    description["compile_config"] = {"optimizer": "sgd", "loss": "mse", "metrics": [metric]}
    with pytest.raises(saving.UnsafeFile, match="asks for a weight .*numbers for all of them"):
        read(written(tmp_path, description))


def test_layers_larger_than_the_machine(tmp_path):
    with pytest.raises(
        saving.UnsafeFile, match=r"'kernel' of shape .* but this process may use .* MiB of memory"
    ):
        read(with_layers(tmp_path, head("Dense", name="evil", units=10**12), ending="json"))


DEEP = ["[" * 100_000, "[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500]


@pytest.mark.parametrize("text", DEEP, ids=["open", "lists", "dictionaries"])
def test_depth_of_json(text):
    with pytest.raises(saving.UnsafeFile, match="nested deeper than 100 levels|no JSON"):
        models.model_from_json(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]," * 1_000_001, "lists and dictionaries"),
        (json.dumps({"class_name": "x" * 2000, "config": {}}), "name of more than"),
        (
            json.dumps({"class_name": "Sequential", "config": [{"class_name": "Dense"}] * 50_001}),
            "50,000 objects",
        ),
        ('{"a": ' + "9" * 5000 + "}", "no JSON"),
        ("\x00", "no JSON"),
        (b"\xff\xfe", "no JSON"),
    ],
    ids=["lists", "name", "objects", "digits", "zero", "bytes"],
)
def test_size_of_json(text, words):
    started = time.monotonic()
    with pytest.raises(saving.UnsafeFile, match=words):
        models.model_from_json(text)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("dtype", ["O", "V1000000", "datetime64[s]"])
def test_arrays_in_configurations(dtype):
    with pytest.raises(ValueError, match="are no numbers"):
        saving.deserialize_keras_object(
            {"class_name": "__numpy__", "config": {"value": ["a"], "dtype": dtype}}
        )


def test_text_in_configurations_takes_no_more_than_it_has():
    described = {"class_name": "__numpy__", "config": {"value": ["a"], "dtype": "S1000000000"}}
    assert saving.deserialize_keras_object(described) == ["a"]


def test_graphs_in_any_order_take_no_longer():
    """A long chain of layers whose last comes first in the file."""
    x = y = cornu.Input((2,), name="x")
    for _ in range(120):
        y = layers.Identity()(y)
    description = json.loads(models.Model(x, y).to_json())
    description["config"]["layers"].reverse()
    assert len(models.model_from_config(description).layers) == 121


# ---- nothing half done ---------------------------------------------------------------------------


def test_weights_stay_when_loading_fails_half_way(tmp_path):
    class Proud(layers.Dense):
        def load_own_variables(self, store):
            super().load_own_variables(store)
            raise RuntimeError("no")

    model = models.Sequential([cornu.Input((3,)), layers.Dense(4), Proud(2), layers.Dropout(0.5)])
    model.save_weights(tmp_path / "w.weights.h5")
    for cell in model.weights:
        cell.assign(cell.value + 1)
    before = [cell.numpy().tobytes() for cell in model.variables]
    with pytest.raises(ValueError, match="RuntimeError: no"):
        model.load_weights(tmp_path / "w.weights.h5")
    assert [cell.numpy().tobytes() for cell in model.variables] == before


def test_what_was_set_stays_when_loading_fails(tmp_path):
    path = with_layers(tmp_path, head("Nothing", name="evil"))
    before = dict(registry.get_custom_objects()), cornu.config.era(), scope.call.safe, scope.call.room
    with pytest.raises(ValueError, match="'Nothing' is not known"):
        saving.load_model(path, custom_objects={"Mine": layers.Dense}, safe_mode=False)
    assert (
        dict(registry.get_custom_objects()),
        cornu.config.era(),
        scope.call.safe,
        scope.call.room,
    ) == before


# ---- HDF5 without its library --------------------------------------------------------------------


def test_reader_reads_what_h5py_writes(tmp_path):
    """Everything that Keras writes, and arrays in chunks, answer as h5py's."""
    path, data = tmp_path / "a.h5", np.random.default_rng(0).normal(size=(37, 23))
    with h5py.File(path, "w") as file:
        for name in ("float16", "float32", "float64", "int8", "int64", "uint16", ">f4", ">i4"):
            file[f"types/{name}"] = (data * 9).astype(name)
        file["types/text"], file["types/words"] = b"abc", "äöü"
        file["types/bool"], file["types/scalar"], file["types/none"] = (
            data > 0,
            np.float32(2),
            np.zeros((0, 3)),
        )
        for number, options in enumerate(
            ({}, {"compression": "gzip"}, {"compression": "gzip", "shuffle": True})
        ):
            file.create_dataset(
                f"chunks/{number}", data=data, chunks=(5, 7), fletcher32=number == 2, **options
            )
        for number in range(300):
            file[f"many/{number}/vars/0"] = np.full(3, number)
        file.attrs["bytes"], file.attrs["text"], file.attrs["number"] = b"abc", "äöü", 3
        file["many"].attrs["list"] = np.array([b"a", b"bcd"])
        file["many"].attrs["texts"] = ["x", "", "yz"]
        file["many"].attrs["none"] = np.array([], "S1")
    with h5py.File(path) as known, h5_reader.File(path) as found:
        assert list(found["many"]) == list(known["many"]) and "many/7/vars/0" in found and "no" not in found
        for group in ("types", "chunks", "many/299/vars"):
            for name, dataset in known[group].items():
                mine = found[group][name]
                assert mine.shape == dataset.shape and (
                    mine.dtype == dataset.dtype or name in ("text", "words")
                )
                known_value = {"text": "abc", "words": "äöü"}.get(name)  # h5py has bytes for these
                known_value = dataset[()] if known_value is None else known_value
                np.testing.assert_array_equal(mine[()], known_value)
        for item in ("/", "many"):
            mine, theirs = (file if item == "/" else file[item] for file in (found, known))
            assert set(mine.attrs) == set(theirs.attrs)
            for name, value in theirs.attrs.items():
                np.testing.assert_array_equal(mine.attrs[name], value)
                assert type(mine.attrs[name]) is type(value)
        assert found.numbers() == sum(dataset.size for dataset in all_of(known))


def all_of(file) -> list:
    found: list = []
    file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
    return found


def test_files_of_another_kind_are_read_when_trusted(tmp_path):
    """What this reader does not know, the HDF5 library reads, when the file is trusted."""
    path = tmp_path / "new.weights.h5"
    small().save_weights(tmp_path / "old.weights.h5")
    with h5py.File(tmp_path / "old.weights.h5") as old, h5py.File(path, "w", libver="latest") as new:
        for name in old:
            old.copy(name, new)
    model = small()
    with pytest.raises(saving.UnsafeFile, match="another version of HDF5"):
        model.load_weights(path)
    with scope.entered(safe=False):
        model.load_weights(path)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(model.get_weights()[0], file["layers/dense/vars/0"])


def test_trust_can_be_said_for_all(monkeypatch):
    monkeypatch.setattr(scope.Call, "safe", True)
    monkeypatch.setattr(scope.call, "safe", True)
    saving.enable_unsafe_deserialization()
    assert not scope.call.safe
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        assert not other.submit(lambda: scope.call.safe).result()


def test_room():
    room = safety.Room.of_file(100)
    room.take((1000, 1000), "a")
    with pytest.raises(saving.UnsafeFile, match="'b' of shape"):
        room.take((1000, 1000), "b")
    assert 1 << 28 < safety.memory_here() <= 1 << 40

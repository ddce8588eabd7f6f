"""The classes by which files of Keras 3 name operations, and the arguments that a call gives them.

All other arguments are in the configuration. Source: Keras 3.15.1 `src/ops`.
"""

# module -> arguments of the call -> operations
CALLS = {
    "numpy": {
        "": "einsum meshgrid",
        "a": "diff",
        "array": "rot90",
        "fill_value": "full",
        "indices": "unravel_index",
        "x": (
            "abs absolute all amax amin angle any arccos arccosh arcsin arcsinh arctan arctanh "
            "argmax argmin argpartition argsort array_split bincount bitwise_invert bitwise_not "
            "broadcast_to cbrt ceil clip conj conjugate copy corrcoef cos cosh count_nonzero "
            "cumprod cumsum deg2rad diag diagflat diagonal dsplit empty_like exp exp2 expand_dims "
            "expm1 fabs flip fliplr flipud floor histogram hsplit i0 imag isfinite isinf isnan "
            "isneginf isposinf isreal log log10 log1p log2 logical_not max mean median min "
            "moveaxis nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean "
            "nanmedian nanmin nanprod nanstd nansum nanvar negative nonzero ones_like prod ptp "
            "rad2deg ravel real reciprocal repeat reshape roll round sign signbit sin sinc sinh "
            "size slogdet sort split sqrt square squeeze stack std sum swapaxes tan tanh tile "
            "trace transpose tril triu trunc unique vander var view vsplit zeros_like"
        ),
        "xs": "concatenate dstack hstack vstack",
        "y": "trapezoid",
        "sorted_sequence values": "searchsorted",
        "start stop": "geomspace linspace logspace",
        "x bins": "digitize",
        "x constant_values": "pad",
        "x fill_value": "full_like",
        "x indices": "take take_along_axis",
        "x key": "get_item",
        "x q": "nanpercentile nanquantile percentile quantile",
        "x weights": "average",
        "x y": (
            "bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor left_shift right_shift"
        ),
        "x1 x2": (
            "add allclose append arctan2 correlate cross divide divide_no_nan dot equal "
            "floor_divide fmax fmin fmod gcd greater greater_equal heaviside hypot inner isin "
            "kron lcm ldexp less less_equal logaddexp logaddexp2 logical_and logical_or "
            "logical_xor matmul maximum minimum mod multiply nextafter not_equal outer power "
            "subtract tensordot true_divide vdot"
        ),
        "condition x1 x2": "where",
        "condlist choicelist default": "select",
        "start stop step": "arange",
        "x1 x2 rtol atol": "isclose",
    },
    "nn": {
        "inputs": "adaptive_average_pool adaptive_max_pool average_pool max_pool multi_hot",
        "x": (
            "celu depth_to_space elu fold gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh "
            "leaky_relu log_sigmoid log_softmax moments normalize one_hot relu relu6 selu sigmoid "
            "silu soft_shrink softmax softplus softsign space_to_depth sparse_plus sparse_sigmoid "
            "sparsemax squareplus tanh_shrink threshold unfold"
        ),
        "abs_ angle": "polar",
        "inputs kernel": "conv conv_transpose depthwise_conv",
        "inputs sequence_lengths": "ctc_decode",
        "target output": "binary_crossentropy categorical_crossentropy sparse_categorical_crossentropy",
        "x1 x2": "psnr",
        "inputs depthwise_kernel pointwise_kernel": "separable_conv",
        "target output target_length output_length": "ctc_loss",
        "query key value bias mask scale": "dot_product_attention",
    },
    "math": {
        "x": (
            "erf erfc erfinv extract_sequences fft fft2 ifft2 irfft istft logdet logsumexp rfft "
            "rsqrt stft top_k view_as_complex view_as_real"
        ),
        "data segment_ids": "segment_max segment_min segment_prod segment_sum",
        "targets predictions": "in_top_k",
        "x y": "cdist",
    },
    "core": {
        "variable": "stop_gradient",
        "x": "cast saturate_cast unstack",
        "indices values": "scatter",
        "inputs start_indices": "slice",
        "inputs indices updates": "scatter_update",
        "inputs start_indices updates": "slice_update",
    },
    "linalg": {
        "x": "cholesky cholesky_inverse det eig eigh inv lu_factor matrix_rank norm pinv qr svd",
        "a b": "lstsq solve solve_triangular",
    },
    "einops": {
        "tensor pattern": "rearrange",
    },
}

# where the class is not the name in capitals
SPELLED = {
    "allclose": "AllClose",
    "cdist": "CDist",
    "ctc_decode": "CTCDecode",
    "ctc_loss": "CTCLoss",
    "fft": "FFT",
    "fft2": "FFT2",
    "ifft2": "IFFT2",
    "irfft": "IRFFT",
    "isin": "IsIn",
    "istft": "ISTFT",
    "psnr": "PSNR",
    "rfft": "RFFT",
    "searchsorted": "SearchSorted",
    "stft": "STFT",
    "svd": "SVD",
}

# operation -> (module, class, arguments of the call)
CLASSES = {
    name: (module, SPELLED.get(name) or "".join(map(str.capitalize, name.split("_"))), call.split())
    for module, rows in CALLS.items()
    for call, names in rows.items()
    for name in names.split()
}
OPERATIONS = {cls: name for name, (_, cls, _) in CLASSES.items()}

"""Every old spelling of Keras, as data.

Long: a spelling is looked for in one place; each table answers one question, and grows by rows.
New names are those of Keras 3. Eras: 1 is Keras 0.x-1.2.2, 2 is Keras 2.0-2.3.1, 3 is Keras 3.
What a class's own signature names is never renamed, so a row here is harmless to a class that speaks the old name.
"""

# ---- classes and functions: package -> old name -> new name --------------------------------------

_SHORT = {
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}
_LOSS_NAMES = {alias: name for short, name in _SHORT.items() for alias in (short, short.upper())} | {
    "cosine": "cosine_similarity",
    "cosine_proximity": "cosine_similarity",  # a mean in era 1: the function there is not this one
    "huber_loss": "huber",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
}
_KINDS = {"Average": "Avg", "Max": "Max"}

CLASSES = {
    "params": {"nb_epoch": "epochs", "nb_sample": "samples"},  # of callbacks
    "layers": {
        **{f"AtrousConv{n}D": f"AtrousConvolution{n}D" for n in (1, 2)},
        "GroupedQueryAttention": "GroupQueryAttention",  # as `.h5` files of Keras 3 have it
        **{f"Convolution{n}D": f"Conv{n}D" for n in (1, 2, 3)},
        **{f"Convolution{n}DTranspose": f"Conv{n}DTranspose" for n in (1, 2, 3)},
        "Deconv2D": "Deconvolution2D",
        "Deconv3D": "Conv3DTranspose",
        "Deconvolution3D": "Conv3DTranspose",
        **{f"SeparableConvolution{n}D": f"SeparableConv{n}D" for n in (1, 2)},
        **{f"{old}Pool{n}D": f"{new}Pooling{n}D" for new, old in _KINDS.items() for n in (1, 2, 3)},
        **{
            f"Global{old}Pool{n}D": f"Global{new}Pooling{n}D"
            for new, old in _KINDS.items()
            for n in (1, 2, 3)
        },
    },
    "models": {"Container": "Model", "Functional": "Model", "Network": "Model"},
    "initializers": {
        "_compute_fans": "compute_fans",
        "normal": "random_normal",
        "one": "ones",
        "uniform": "random_uniform",
        "zero": "zeros",
    },
    "losses": _LOSS_NAMES,
    "metrics": {**_LOSS_NAMES, "f1score": "fmeasure", "fscore": "fmeasure"},
    "optimizers": {
        name.lower(): name
        for name in "Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion Muon Nadam RMSprop SGD".split()
    },
    "regularizers": {
        "ActivityRegularizer": "L1L2",
        "L1L2Regularizer": "L1L2",
        "WeightRegularizer": "L1L2",
        "activity_l1": "l1",
        "activity_l1l2": "l1_l2",
        "activity_l2": "l2",
        "l1l2": "l1_l2",
    },
    "dtypes": {
        "FloatDTypePolicy": "DTypePolicy",
        "Policy": "DTypePolicy",
        "global_policy": "dtype_policy",
        "set_global_policy": "set_dtype_policy",
    },
    "constraints": {"maxnorm": "max_norm", "nonneg": "non_neg", "unitnorm": "unit_norm"},
    "utils": {"Sequence": "PyDataset", "_hash_file": "hash_file", "plot": "plot_model"},
    "applications.imagenet_utils": {"_obtain_input_shape": "obtain_input_shape"},
}

# ---- arguments: class -> old name -> new name; None: has no meaning here and is dropped ----------

_FORMAT = {"dim_ordering": "data_format"}
_WEIGHTS = {
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "bias": "use_bias",
    "init": "kernel_initializer",
}
_DENSE = _WEIGHTS | {"output_dim": "units"}
_WHOLE = dict.fromkeys(
    ["gptq_unpacked_column_size", "lora_alpha", "lora_rank", "quantization_config"]
)  # of Keras 3
_CONV = {
    **(_WEIGHTS | _FORMAT),
    "atrous_rate": "dilation_rate",
    "border_mode": "padding",
    "filter_length": "kernel_size",
    "nb_filter": "filters",
    "subsample": "strides",
    "subsample_length": "strides",
}
_GATES = {
    "U_regularizer": "recurrent_regularizer",
    "consume_less": None,
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "forget_bias_init": "unit_forget_bias",
    "implementation": None,
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
    "time_major": None,
}
_POOL = _FORMAT | {"border_mode": "padding", "pool_length": "pool_size", "stride": "strides"}
_QUEUE = dict.fromkeys(
    ["max_q_size", "max_queue_size", "nb_worker", "pickle_safe", "use_multiprocessing", "workers"]
)
_THEANO = [
    "allow_input_downcast",
    "mode",
    "on_unused_input",
    "profile",
    "theano_mode",
]  # how Theano was to compile
_QUEUED = {"max_q_size": "max_queue_size", "nb_worker": "workers", "pickle_safe": "use_multiprocessing"}

ARGUMENTS = {
    "*": {"batch_input_shape": "batch_shape"},  # whatever the class
    "BatchNormalization": {
        "beta_init": "beta_initializer",
        "fused": None,
        "gamma_init": "gamma_initializer",
        "virtual_batch_size": None,
    },
    "ConvLSTM2D": _CONV | _GATES,
    "Embedding": _WHOLE
    | {
        "W_constraint": "embeddings_constraint",
        "W_regularizer": "embeddings_regularizer",
        "dropout": None,
        "init": "embeddings_initializer",
    },
    "GaussianNoise": {"sigma": "stddev"},
    "Highway": _WEIGHTS,
    "InputLayer": {"batch_input_shape": "batch_shape", "input_dtype": "dtype", "input_shape": "shape"},
    "LeakyReLU": {"alpha": "negative_slope"},
    "Model": {"input": "inputs", "output": "outputs"},
    "PReLU": {"init": "alpha_initializer"},
    "SReLU": {f"{part}_init": f"{part}_initializer" for part in ("a_left", "a_right", "t_left", "t_right")},
    "UpSampling1D": {"length": "size"},
    **dict.fromkeys(["Dense", "MaxoutDense", "TimeDistributedDense"], _DENSE | _WHOLE),
    "EinsumDense": _WHOLE,
    **dict.fromkeys(
        [
            *("Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose"),
            *("AtrousConvolution1D", "AtrousConvolution2D", "Deconvolution2D", "LocallyConnected1D"),
            *("LocallyConnected2D", "SeparableConv1D", "SeparableConv2D"),
        ],
        _CONV,
    ),
    **dict.fromkeys(
        ["CuDNNGRU", "CuDNNLSTM", "GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "SimpleRNN", "SimpleRNNCell"],
        _DENSE | _GATES,
    ),
    **dict.fromkeys(["AlphaDropout", "Dropout", "GaussianDropout", "SpatialDropout1D"], {"p": "rate"}),
    **dict.fromkeys(["SpatialDropout2D", "SpatialDropout3D"], {"p": "rate"} | _FORMAT),
    **dict.fromkeys([f"{kind}Pooling{n}D" for kind in _KINDS for n in (1, 2, 3)], _POOL),
    **dict.fromkeys([f"Global{kind}Pooling{n}D" for kind in _KINDS for n in (2, 3)], _FORMAT),
    **dict.fromkeys(
        [f"{kind}{n}D" for kind in ("Cropping", "UpSampling", "ZeroPadding") for n in (2, 3)], _FORMAT
    ),
    **dict.fromkeys(CLASSES["optimizers"].values(), {"lr": "learning_rate"}),
    "CallbackList": {"queue_length": None},
    "L1": {"l": "l1"},
    "L2": {"l": "l2"},
    "LambdaCallback": {"on_batch_begin": "on_train_batch_begin", "on_batch_end": "on_train_batch_end"},
    "MaxNorm": {"m": "max_value"},
    "MinMaxNorm": {"high": "max_value", "low": "min_value"},
    "ModelCheckpoint": {"period": None},
    "ProgbarLogger": {"count_mode": None, "stateful_metrics": None},
    "ReduceLROnPlateau": {"epsilon": "min_delta"},
    "TensorBoard": {
        "batch_size": None,
        "embeddings_data": None,
        "embeddings_layer_names": None,
        "write_grads": None,
    },
    "DirectoryIterator": _FORMAT,
    "ImageDataGenerator": _FORMAT,
    "NumpyArrayIterator": _FORMAT | {"X": "x"},
    "Tokenizer": {"nb_words": "num_words"},
}

# ---- the same for methods and functions ----------------------------------------------------------

# Counts of samples (`samples_per_epoch`, `nb_val_samples`, `val_samples`) are not counts of batches: what takes
# them has them in its signature.
METHODS = {
    # whether the gates are one matrix, which matters in era 1
    **dict.fromkeys(["GRU", "LSTM"], dict.fromkeys(["consume_less", "implementation"], "implementation")),
    **dict.fromkeys(["conv_input_length", "conv_output_length"], {"border_mode": "padding"}),
    "GeneratorEnqueuer": {"pickle_safe": "use_multiprocessing"},
    "GeneratorEnqueuer.start": {"max_q_size": "max_queue_size", "nb_worker": "workers"},
    "ImageDataGenerator.flow": {"X": "x"},
    "Layer.add_loss": {"losses": "loss"},
    "array_to_img": _FORMAT,
    "convert_kernel": _FORMAT,
    "deserialize_keras_object": {"identifier": "config"},
    "img_to_array": _FORMAT,
    "obtain_input_shape": _FORMAT | {"include_top": "require_flatten"},
    "random_channel_shift": {"intensity": "intensity_range"},
    "relu": {"alpha": "negative_slope"},
    "normalize": {"a": "x"},
    "Progbar.update": {"force": "finalize"},
    "Model.compile": dict.fromkeys(["class_mode", "target_tensors", *_THEANO]),
    "Model.evaluate": _QUEUE | {"X": "x"},
    "Model.evaluate_generator": _QUEUED,
    "Model.fit": _QUEUE | {"X": "x", "nb_epoch": "epochs"},
    "Model.fit_generator": _QUEUED | {"nb_epoch": "epochs"},
    "Model.predict": _QUEUE | {"X": "x"},
    "Model.predict_generator": _QUEUED,
    "Model.predict_on_batch": {"X": "x"},
    "Model.test_on_batch": {"X": "x"},
    "Model.train_on_batch": {"X": "x"},
    "get_test_data": {"nb_class": "num_classes", "nb_test": "num_test", "nb_train": "num_train"},
    **dict.fromkeys(["imdb.load_data", "reuters.load_data"], {"nb_words": "num_words"}),
    **dict.fromkeys(["audio_conv_utils.preprocess_input", "preprocess_input"], _FORMAT),
    "conv2d_bn": {
        "border_mode": "padding",
        "nb_col": "num_col",
        "nb_filter": "filters",
        "nb_row": "num_row",
        "subsample": "strides",
    },
    "print_summary": {"layers": "model"},
    "validate_file": {"md5_hash": "file_hash"},
    "to_categorical": {"nb_classes": "num_classes", "y": "x"},
}

# ---- old arguments with only some values that can be meant: class or method -> old name -> values --

_FORGET = {"forget_bias_init": ("one", "ones", "zero", "zeros"), "time_major": (False, None)}

ALLOWED = {
    "BatchNormalization": {"virtual_batch_size": (None,)},
    "ConvLSTM2D": _FORGET,
    **dict.fromkeys(["Dense", "EinsumDense"], dict.fromkeys(_WHOLE, (None,))),
    "Embedding": dict.fromkeys(_WHOLE, (None,)) | {"dropout": (0, None)},
    "LSTM": _FORGET,
    "Model.compile": {"target_tensors": (None,)},
    "ModelCheckpoint": {"period": (1,)},
    "TensorBoard": {"embeddings_data": (None,), "embeddings_layer_names": (None,), "write_grads": (False,)},
    **dict.fromkeys(["GRU", "RNN", "SimpleRNN"], {"time_major": (False, None)}),
}

# ---- several old arguments that are one today: class -> new name -> old names ----------------------

_KERNEL_2D = {"kernel_size": ("nb_row", "nb_col")}

MERGED = {
    "Conv3D": {"kernel_size": ("kernel_dim1", "kernel_dim2", "kernel_dim3")},
    **dict.fromkeys(
        [
            *("AtrousConvolution2D", "Conv2D", "Conv2DTranspose", "ConvLSTM2D", "Deconvolution2D"),
            *("LocallyConnected2D", "SeparableConv2D"),
        ],
        _KERNEL_2D,
    ),
}

# ---- an old argument that is several today: class -> old name -> new names -------------------------

SPLIT = {"SeparableConv2D": {"init": ("depthwise_initializer", "pointwise_initializer")}}

# ---- arguments that were taken and had no effect: era -> class -> names ------------------------------

_KERNEL = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
INERT = {2: dict.fromkeys(["DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"], _KERNEL)}

# ---- values: new argument -> old value -> new value ------------------------------------------------

_INITIALIZERS = [
    *(
        "alpha_initializer",
        "beta_initializer",
        "bias_initializer",
        "depthwise_initializer",
        "embeddings_initializer",
    ),
    *("gamma_initializer", "kernel_initializer", "moving_mean_initializer", "moving_variance_initializer"),
    *("pointwise_initializer", "recurrent_initializer"),
    *("a_left_initializer", "a_right_initializer", "t_left_initializer", "t_right_initializer"),
]

VALUES = {
    "data_format": {"default": None, "tf": "channels_last", "th": "channels_first"},
    "distribution": {"normal": "truncated_normal"},
    "epsilon": {None: 1e-7},
    "implementation": {"cpu": 0, "gpu": 2, "mem": 1},
    "padding": {"half": "same"},
    "unit_forget_bias": {"one": True, "ones": True, "zero": False, "zeros": False},
    **dict.fromkeys(_INITIALIZERS, CLASSES["initializers"]),
}

# ---- sides: class -> argument -> the old names of its numbers, which were given by these or one after the other --

SIDES = {
    "ZeroPadding1D": {"padding": ("left_pad", "right_pad")},
    "ZeroPadding2D": {"padding": ("top_pad", "bottom_pad", "left_pad", "right_pad")},
}

# ---- positions: era -> class or method -> the old names in positional order, where it is not Keras 3's --

_TAIL_1 = "W_regularizer b_regularizer activity_regularizer W_constraint b_constraint bias"
_INPUT_1 = "input_dim input_length"
_CONV_1D = (
    f"nb_filter filter_length init activation weights border_mode subsample_length {_TAIL_1} {_INPUT_1}"
)
_CONV_2D = f"nb_filter nb_row nb_col init activation weights border_mode subsample dim_ordering {_TAIL_1}"
_GATED_1 = "activation inner_activation W_regularizer U_regularizer b_regularizer dropout_W dropout_U"
_MOMENTS_1 = "lr beta_1 beta_2 epsilon"
_TAIL_2 = (
    "use_bias kernel_initializer recurrent_initializer bias_initializer{} kernel_regularizer recurrent_regularizer "
    "bias_regularizer activity_regularizer kernel_constraint recurrent_constraint bias_constraint"
)
_CELL_2 = _TAIL_2.replace(" activity_regularizer", "")
_RNN_2 = "return_sequences return_state go_backwards stateful unroll"
_LOAD_2 = "filepath by_name skip_mismatch reshape"
_FIT_2 = (
    "x y batch_size epochs verbose callbacks validation_split validation_data shuffle class_weight sample_weight "
    "initial_epoch steps_per_epoch validation_steps validation_freq"
)
_GENERATOR_1 = (
    "verbose callbacks validation_data nb_val_samples class_weight max_q_size nb_worker pickle_safe"
)
_APPLICATIONS = ["InceptionV3", "ResNet50", "VGG16", "VGG19", "Xception"]
_SAVED = "save_to_dir save_prefix save_format"
_HOOKS = "on_epoch_begin on_epoch_end on_batch_begin on_batch_end on_train_begin on_train_end"
_CHECKPOINT = "filepath monitor verbose save_best_only save_weights_only mode period"
_COUNTED_1 = "generator val_samples max_q_size nb_worker pickle_safe"

POSITIONS = {
    era: {owner: tuple(order.split()) for owner, order in rows.items()}
    for era, rows in {
        1: {
            "deserialize_keras_object": "identifier module_objects custom_objects printable_module_name",
            "AveragePooling1D": "pool_length stride border_mode",
            "BatchNormalization": "epsilon mode axis momentum weights beta_init gamma_init gamma_regularizer "
            "beta_regularizer",
            "AtrousConvolution1D": _CONV_1D.replace("subsample_length", "subsample_length atrous_rate"),
            "AtrousConvolution2D": _CONV_2D.replace("subsample", "subsample atrous_rate"),
            "Conv1D": _CONV_1D,
            "Conv2D": _CONV_2D,
            "Deconvolution2D": _CONV_2D.replace("nb_col", "nb_col output_shape"),
            "Conv3D": _CONV_2D.replace("nb_row nb_col", "kernel_dim1 kernel_dim2 kernel_dim3"),
            "ConvLSTM2D": "nb_filter nb_row nb_col init inner_init forget_bias_init activation inner_activation "
            "dim_ordering border_mode subsample W_regularizer U_regularizer b_regularizer dropout_W dropout_U",
            "Dense": f"output_dim init activation weights {_TAIL_1} input_dim",
            "Embedding": "input_dim output_dim init input_length W_regularizer activity_regularizer W_constraint "
            "mask_zero weights dropout",
            "GRU": f"output_dim init inner_init {_GATED_1}",
            "Highway": f"init activation weights {_TAIL_1} input_dim",
            "InputLayer": "input_shape batch_input_shape input_dtype input_tensor sparse name",
            "Input": "shape batch_shape name dtype sparse tensor",
            "LSTM": f"output_dim init inner_init forget_bias_init {_GATED_1}",
            "Lambda": "function output_shape arguments",
            "LocallyConnected1D": _CONV_1D,
            "LocallyConnected2D": _CONV_2D,
            "MaxoutDense": f"output_dim nb_feature init weights {_TAIL_1} input_dim",
            "CallbackList": "callbacks queue_length",
            "LambdaCallback": _HOOKS,
            "MaxPooling1D": "pool_length stride border_mode",
            "Merge": "layers mode concat_axis dot_axes output_shape output_mask arguments node_indices tensor_indices "
            "name",
            "ModelCheckpoint": _CHECKPOINT,
            "PReLU": "init weights shared_axes",
            "ParametricSoftplus": "alpha_init beta_init weights shared_axes",
            "SeparableConv2D": "nb_filter nb_row nb_col init activation weights border_mode subsample "
            "depth_multiplier dim_ordering depthwise_regularizer pointwise_regularizer b_regularizer "
            "activity_regularizer depthwise_constraint pointwise_constraint b_constraint bias",
            "Sequential": "layers name",
            "SimpleRNN": f"output_dim init inner_init {_GATED_1.replace('inner_activation ', '')}",
            "TimeDistributedDense": f"output_dim init activation weights {_TAIL_1} {_INPUT_1}",
            "Adadelta": "lr rho epsilon decay",
            "Adagrad": "lr epsilon decay",
            "Adam": f"{_MOMENTS_1} decay",
            "Adamax": f"{_MOMENTS_1} decay",
            "Nadam": f"{_MOMENTS_1} schedule_decay",
            "RMSprop": "lr rho epsilon decay",
            "Recurrent": "weights return_sequences go_backwards stateful unroll consume_less input_dim input_length",
            "SGD": "lr momentum decay nesterov",
            "ImageDataGenerator": "featurewise_center samplewise_center featurewise_std_normalization "
            "samplewise_std_normalization zca_whitening rotation_range width_shift_range height_shift_range "
            "shear_range zoom_range channel_shift_range fill_mode cval horizontal_flip vertical_flip rescale "
            "preprocessing_function dim_ordering",
            "ImageDataGenerator.flow": f"x y batch_size shuffle seed {_SAVED}",
            "NumpyArrayIterator": f"x y image_data_generator batch_size shuffle seed dim_ordering {_SAVED}",
            "DirectoryIterator": "directory image_data_generator target_size color_mode dim_ordering classes "
            f"class_mode batch_size shuffle seed {_SAVED} follow_links",
            **dict.fromkeys(_APPLICATIONS, "include_top weights input_tensor input_shape classes"),
            "get_file": "fname origin untar md5_hash cache_subdir",
            "load_img": "path grayscale target_size",
            "model_to_dot": "model show_shapes show_layer_names",
            "plot_model": "model to_file show_shapes show_layer_names",
            "print_summary": "layers relevant_nodes line_length positions",
            "Layer.add_weight": "shape initializer name trainable regularizer constraint",
            "Model.compile": "optimizer loss metrics loss_weights sample_weight_mode",
            "Optimizer.get_updates": "params constraints loss",
            "Model.evaluate_generator": _COUNTED_1,
            "Model.fit_generator": f"generator samples_per_epoch nb_epoch {_GENERATOR_1} initial_epoch",
            "Model.load_weights": "filepath by_name",
            "Model.predict_generator": _COUNTED_1,
            "Sequential.compile": "optimizer loss metrics sample_weight_mode",
            "Sequential.train_on_batch": "x y class_weight sample_weight",
        },
        2: {
            "deserialize_keras_object": "identifier module_objects custom_objects printable_module_name",
            "Conv3DTranspose": "filters kernel_size strides padding output_padding data_format activation use_bias "
            "kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer "
            "kernel_constraint bias_constraint",
            "ConvLSTM2D": "filters kernel_size strides padding data_format dilation_rate activation "
            f"recurrent_activation {_TAIL_2.format(' unit_forget_bias')} return_sequences go_backwards stateful "
            "dropout recurrent_dropout",
            "Embedding": "input_dim output_dim embeddings_initializer embeddings_regularizer activity_regularizer "
            "embeddings_constraint mask_zero input_length",
            "GRU": f"units activation recurrent_activation {_TAIL_2.format('')} dropout recurrent_dropout "
            f"implementation {_RNN_2} reset_after",
            "Input": "shape batch_shape name dtype sparse tensor",
            "InputLayer": "input_shape batch_size batch_input_shape dtype input_tensor sparse name",
            "LSTM": f"units activation recurrent_activation {_TAIL_2.format(' unit_forget_bias')} dropout "
            f"recurrent_dropout implementation {_RNN_2}",
            "GRUCell": f"units activation recurrent_activation {_CELL_2.format('')} dropout recurrent_dropout "
            "implementation reset_after",
            "LSTMCell": f"units activation recurrent_activation {_CELL_2.format(' unit_forget_bias')} dropout "
            "recurrent_dropout implementation",
            "LambdaCallback": _HOOKS,
            "Loss": "reduction name",
            "Metric": "name dtype",
            "Recurrent": f"{_RNN_2} implementation",
            "ModelCheckpoint": _CHECKPOINT,
            "ProgbarLogger": "count_mode stateful_metrics",
            "SensitivityAtSpecificity": "specificity num_thresholds name dtype",
            "SpecificityAtSensitivity": "sensitivity num_thresholds name dtype",
            "Sequential": "layers name",
            "Adadelta": "learning_rate rho",
            "Adagrad": "learning_rate",
            "Adam": "learning_rate beta_1 beta_2 amsgrad",
            "Adamax": "learning_rate beta_1 beta_2",
            "Nadam": "learning_rate beta_1 beta_2",
            "RMSprop": "learning_rate rho",
            "RNN.call": "sequences mask training initial_state constants",
            "SGD": "learning_rate momentum nesterov",
            "TensorBoard": "log_dir histogram_freq batch_size write_graph write_grads write_images embeddings_freq "
            "embeddings_layer_names embeddings_metadata embeddings_data update_freq",
            "ImageDataGenerator.flow": f"x y batch_size shuffle sample_weight seed {_SAVED} subset",
            "NumpyArrayIterator": "x y image_data_generator batch_size shuffle sample_weight seed data_format "
            f"{_SAVED} subset dtype",
            "DirectoryIterator": "directory image_data_generator target_size color_mode classes class_mode batch_size "
            f"shuffle seed data_format {_SAVED} follow_links subset interpolation dtype",
            "load_img": "path grayscale color_mode target_size interpolation",
            "model_to_dot": "model show_shapes show_layer_names rankdir expand_nested dpi subgraph",
            "plot_model": "model to_file show_shapes show_layer_names rankdir expand_nested dpi",
            "Layer.add_weight": "name shape dtype initializer regularizer trainable constraint",
            "Model.compile": "optimizer loss metrics loss_weights sample_weight_mode weighted_metrics target_tensors",
            "Model.fit": _FIT_2,
            "Model.load_weights": _LOAD_2,
            "Model.save": "filepath overwrite include_optimizer",
            "save_model": "model filepath overwrite include_optimizer",
        },
    }.items()
}

_ROW_AND_COL = ((int, int, int), ("nb_filter", "nb_row", "nb_col"))

# What Keras 2 told apart by type: era -> class or method -> (types of the first arguments, their old names).
POSITIONS_BY_TYPE = {
    2: {
        **dict.fromkeys([owner for owner, row in MERGED.items() if row is _KERNEL_2D], _ROW_AND_COL),
        "Deconvolution2D": ((int, int, int), ("nb_filter", "nb_row", "nb_col", "output_shape")),
        "Layer.add_weight": ((tuple | list,), POSITIONS[1]["Layer.add_weight"]),
        "Conv3D": ((int, int, int, int), ("nb_filter", "kernel_dim1", "kernel_dim2", "kernel_dim3")),
    }
}

# ---- defaults: era -> class or method -> argument -> value, where it is not Keras 3's -------------

_HARD = {"recurrent_activation": "hard_sigmoid"}
_POOLED = {f"AveragePooling{n}D": {"pool_size": (2,) * n} for n in (2, 3)}
_LAST = {"data_format": "channels_last"}  # the one-dimensional layers knew no other layout
_LAST_1D = dict.fromkeys(
    ["AtrousConvolution1D", "Conv1D", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "MaxPooling1D"], _LAST
) | {"AveragePooling1D": _LAST | {"pool_size": 2}}
_RATES = {"Adadelta": 1.0, "Adagrad": 0.01, "Adam": 0.001, "Adamax": 0.002, "Nadam": 0.002, "RMSprop": 0.001}
_QUIET = {"Model.predict": {"verbose": 0}}
_PLOTS = {"model_to_dot": {"dpi": 96}, "plot_model": {"dpi": 96, "show_layer_names": True}}
_SAVING = [
    *("DirectoryIterator", "NumpyArrayIterator"),
    *("ImageDataGenerator.flow", "ImageDataGenerator.flow_from_directory"),
]

DEFAULTS = {
    1: {
        **_POOLED,
        **_LAST_1D,
        **{name: {"epsilon": 1e-8, "learning_rate": rate} for name, rate in _RATES.items()},
        **_QUIET,
        **_PLOTS,
        "Adagrad": {"epsilon": 1e-8, "initial_accumulator_value": 0.0, "learning_rate": 0.01},
        "ConvLSTM2D": _HARD,
        "Embedding": {"input_shape": (None,)},
        **dict.fromkeys(_SAVING, {"save_format": "jpeg"}),
        "Flatten": _LAST,  # rows and channels were left in the order they came
        "GRU": _HARD | {"reset_after": False},
        "ImageDataGenerator": {"interpolation_order": 0},
        "LSTM": _HARD,
        "LocallyConnected1D": _LAST,
        "Model.fit": {"batch_size": 32, "epochs": 10, "verbose": 1},
        "Nadam": {"epsilon": 1e-8, "learning_rate": 0.002, "schedule_decay": 0.004},
        "Optimizer": {"learning_rate": 0.01},  # of a user's own, which names none
        "Orthogonal": {"gain": 1.1},
        "ZeroPadding1D": _LAST,
    },
    2: {
        **_POOLED,
        **_LAST_1D,
        **{name: {"epsilon": 1e-7, "learning_rate": rate} for name, rate in _RATES.items()},
        **_QUIET,
        **_PLOTS,
        "Adagrad": {"epsilon": 1e-7, "initial_accumulator_value": 0.0, "learning_rate": 0.01},
        "ConvLSTM2D": _HARD,
        "Embedding": {"input_shape": (None,)},
        "GRU": {"reset_after": False},
        "GRUCell": {"reset_after": False},
        "Nadam": {"epsilon": 1e-7, "learning_rate": 0.002, "schedule_decay": 0.004},
        "Optimizer": {"learning_rate": 0.01},
        "SeparableConv1D": _LAST,
        "ZeroPadding1D": _LAST,
        "apply_affine_transform": {"channel_axis": 2, "col_axis": 1, "row_axis": 0},
    },
}

# No default is filled in where the argument that says the same in another way is given.
RIVALS = {"input_shape": "batch_shape"}

# ---- shapes: where `input_dim` and `input_length` mean `input_shape=(input_length, input_dim)` ----

SEQUENCE_LAYERS = frozenset(
    [
        *(
            "AtrousConvolution1D",
            "Conv1D",
            "CuDNNGRU",
            "CuDNNLSTM",
            "GRU",
            "LSTM",
            "LocallyConnected1D",
            "RNN",
        ),
        *("Recurrent", "SimpleRNN", "TimeDistributedDense"),
    ]
)

# ---- automatic names: era -> number of the first, and class -> stem where it is not the class's name ----

FIRST = {1: 1, 2: 1, 3: 0}
STEMS = {
    1: {
        **{f"Conv{n}D": f"convolution{n}d" for n in (1, 2, 3)},
        "InputLayer": "input",
        "SeparableConv2D": "separableconvolution2d",
    },
    2: {"InputLayer": "input"},
    3: {"Model": "functional"},
}

# ---- modules: path below `keras` -> the modules of Cornu where its names are to be found ------------------

_OF_0 = ("eras.graph0", "eras.containers")
_OF_2 = ("eras.engine", "eras.unseen")
_CONTAINERS = ("layers", "models", "layers.spec", "graph", "saving", "utils", *_OF_2, *_OF_0)
_LAYERS = ("layers", "models", "layers.recurrent_steps", "eras.unseen", *_OF_0)
_BACKEND = ("eras.backend", "config", "random", "utils")
_UTILS = ("utils", "saving", "registry", "training.progress", *_OF_2)
_SAME = """
    activations applications applications.audio_conv_utils applications.convnext applications.densenet
    applications.efficientnet applications.efficientnet_v2 applications.imagenet_utils
    applications.inception_resnet_v2 applications.inception_v3 applications.mobilenet applications.mobilenet_v2
    applications.mobilenet_v3 applications.music_tagger_crnn applications.nasnet applications.resnet
    applications.resnet50 applications.resnet_v2 applications.vgg16 applications.vgg19 applications.xception
    constraints datasets datasets.boston_housing datasets.california_housing datasets.cifar datasets.cifar10
    datasets.cifar100 datasets.fashion_mnist datasets.imdb datasets.mnist datasets.reuters distillation distribution
    export initializers layers losses optimizers.schedules preprocessing preprocessing.sequence
    preprocessing.text quantizers random regularizers tree utils.bounding_boxes visualization wrappers
"""
_OLD_LAYERS = """
    activation advanced_activations attention containers convolutional convolutional_recurrent core cudnn_recurrent
    embeddings experimental experimental.preprocessing layer local merge merging noise normalization pooling
    preprocessing recurrent regularization reshaping rnn wrappers
"""
_OLD_ENGINE = """
    base_layer input_layer network saving sequential topology training training_arrays training_generator
    training_utils
"""
_OLD_UTILS = """
    conv_utils data_utils dot_utils generic_utils io_utils layer_utils legacy losses_utils metrics_utils
    multi_gpu_utils np_utils test_utils vis_utils visualize_util
"""

MODULES = {
    "": ("",),
    **{path: (path,) for path in _SAME.split()},
    **dict.fromkeys([f"layers.{name}" for name in _OLD_LAYERS.split()], _LAYERS),
    **dict.fromkeys(["engine", "legacy", "legacy.models"], _CONTAINERS),
    "legacy.layers": (*_CONTAINERS, "layers.recurrent_steps"),
    **{f"engine.{name}": _CONTAINERS for name in _OLD_ENGINE.split()},
    **{f"utils.{name}": (f"utils.{name}", *_UTILS) for name in _OLD_UTILS.split()},
    **dict.fromkeys(["callbacks", "callbacks.callbacks"], ("callbacks", "training.callbacks")),
    **{f"backend.{name}_backend": _BACKEND for name in ("cntk", "numpy")},
    **{f"backend.{name}_backend": (f"eras.{name}_backend",) for name in ("tensorflow", "theano")},
    **{f"ops.{name}": (f"ops.{name}", "ops") for name in ("image", "linalg", "nn", "numpy")},
    "backend": ("backend", *_BACKEND),
    "backend.common": _BACKEND,
    "backend.load_backend": _BACKEND,
    "config": ("config", "dtypes"),
    "dtype_policies": ("dtype_policies",),
    "initializations": ("eras.initializations", "initializers"),
    "layers": ("layers", "layers.recurrent_steps", "eras.graph0", "eras.unseen"),
    "legacy.interfaces": ("eras.interfaces",),
    "legacy.saving": ("saving", "registry"),
    "metrics": ("metrics", "losses"),
    "mixed_precision": ("dtypes", "optimizers"),
    "models": ("models", "saving", "eras.graph0", "eras.containers"),
    "objectives": ("losses",),
    "ops": ("ops",),
    "optimizers": ("eras.optimizers", "optimizers"),
    "optimizers.legacy": ("optimizers",),
    "preprocessing.image": ("preprocessing.image", "utils"),
    "saving": ("saving", "registry"),
    "utils": _UTILS,
    "wrappers.scikit_learn": ("wrappers.scikit_learn", "wrappers"),
}

# The same of Keras 3's own source tree, `keras.src`, where its tests and its relatives reach for what is not public.
# A file of that tree that has no row is the folder it lies in; what a row's modules lack, these have.
_BACKEND_INSIDE = ("eras.inside", "ops", "random", "config", "dtypes", "backend")
INSIDE = {
    **dict.fromkeys(["backend", "backend.common"], _BACKEND_INSIDE),
    **{
        f"backend.{name}": (f"ops.{name}", "ops")
        for name in ("core", "image", "linalg", "math", "nn", "numpy")
    },
    "backend.config": ("config",),
    "dtype_policies.dtype_policy": ("dtype_policies",),
    "backend.random": ("random",),
    **dict.fromkeys(["testing", "testing.test_case", "testing.test_utils"], ("testing",)),
}
BESIDE = ("eras.inside", "")
FOLDERS = """
    backend.jax backend.openvino backend.tensorflow backend.torch layers.activations layers.preprocessing
    layers.preprocessing.image_preprocessing layers.preprocessing.image_preprocessing.bounding_boxes models
""".split()

# Where programs have found Keras, the longer ones first.
ROOTS = """
    tensorflow.contrib.keras.api.keras tensorflow.contrib.keras.api tensorflow.contrib.keras.python.keras
    tensorflow.contrib.keras.python tensorflow.contrib.keras tensorflow.compat.v1.keras tensorflow.compat.v2.keras
    tensorflow.python.keras.api.keras tensorflow.python.keras.api tensorflow.python.keras tensorflow.keras
    keras._tf_keras.keras keras._tf_keras keras.api keras.src keras tf_keras.src tf_keras
""".split()

# Other names by which old modules hold a module, having imported it.
LEAKED = {"K": "backend", "cbks": "callbacks", "metrics_module": "metrics"} | {
    name: name
    for name in (
        *("activations", "constraints", "initializations", "initializers", "objectives", "optimizers"),
        "regularizers",
    )
}

# Modules that are not Keras's and that its modules had by these names; and where `import *` brought K and np along.
STRANGERS = {"copy": "copy", "np": "numpy", "tf": "tensorflow", "warnings": "warnings"}
STARRED = "callbacks engine layers metrics models optimizers preprocessing".split()

# The same of classes and functions: name -> the module below `keras` where it is at home.
BORROWED = {
    **dict.fromkeys(["conv_input_length", "conv_output_length", "convert_kernel"], "utils.np_utils"),
    "normalize_data_format": "backend.common",
    "slice_arrays": "utils.generic_utils",
    **dict.fromkeys(["func_dump", "func_load", "get_from_module", "Progbar"], "utils.generic_utils"),
    **dict.fromkeys(["Node", "get_source_inputs"], "engine.topology"),
    **dict.fromkeys(["Model", "Sequential", "model_from_json"], "models"),
    "Input": "layers",
    "Wrapper": "layers.wrappers",
    "convert_all_kernels_in_model": "utils.layer_utils",
    "get_file": "utils.data_utils",
    "load_batch": "datasets.cifar",
    "ask_to_proceed_with_overwrite": "utils.io_utils",
    "get_custom_objects": "utils.generic_utils",
    "optimizer_from_config": "optimizers",
}

# Classes and functions of Keras 0 that have no like here: what to write in their place.
GONE = {
    "AutoEncoder": "encoder and decoder as one model, trained with its inputs as targets",
    "DenoisingAutoEncoder": "encoder and decoder as one model with GaussianNoise first, its inputs as targets",
    "GraphImageDataGenerator": "ImageDataGenerator",
    "SimpleDeepRNN": "SimpleRNN",
    "ThresholdedLinear": "ThresholdedReLU",
    "WordContextProduct": "two Embedding layers, and Merge with the mode 'dot'",
    "collect_trainable_weights": "the model's `trainable_weights`",
    "kl_divergence": "keras.objectives.kullback_leibler_divergence",
    "MaskedLambda": "Lambda, with `mask`",
    **dict.fromkeys(["Siamese", "SiameseHead", "add_shared_layer"], "one layer, called on several inputs"),
    **dict.fromkeys(["sharedX", "shared_ones", "shared_scalar", "shared_zeros"], "keras.backend.variable"),
    **dict.fromkeys(["standardize_X", "standardize_y"], "keras.engine.training.standardize_input_data"),
}

VERSIONS = {1: "1.2.2", 2: "2.3.1", 3: "3.15.1"}

# What the arguments of `call`, `build` and `compute_mask` were called: the first one, and the mask.
FIRST_ARGUMENTS = ("X", "input", "input_shape", "inputs", "x")
MASK_ARGUMENTS = ("input_mask", "mask")

# Attributes that programs read off layers: the old name -> today's, the first that a layer has.
ATTRIBUTES = {
    "W": ("kernel", "embeddings"),
    "U": ("recurrent_kernel",),
    "U_regularizer": ("recurrent_regularizer",),
    "W_constraint": ("kernel_constraint", "embeddings_constraint"),
    "W_regularizer": ("kernel_regularizer", "embeddings_regularizer"),
    "b": ("bias",),
    "b_constraint": ("bias_constraint",),
    "b_regularizer": ("bias_regularizer",),
    "alphas": ("alpha",),
    "atrous_rate": ("dilation_rate",),
    "border_mode": ("padding",),
    "bias": ("b",),  # of a class whose `build` is in the old words
    "dim_ordering": ("data_format",),
    "dropout_U": ("recurrent_dropout",),
    "dropout_W": ("dropout",),
    "embeddings": ("W",),
    "init": ("kernel_initializer", "embeddings_initializer"),
    "inner_activation": ("recurrent_activation",),
    "inner_init": ("recurrent_initializer",),
    "kernel": ("W",),
    "nb_class": ("num_classes",),
    "nb_filter": ("filters",),
    "nb_sample": ("samples",),
    "output_dim": ("units", "output_dim"),
    "p": ("rate",),
    "principal_components": ("zca_whitening_matrix",),
    "running_mean": ("moving_mean",),
    "running_std": ("moving_variance",),
    "sigma": ("stddev",),
    "subsample": ("strides",),
}

# Attributes that are one of several numbers today: the old name -> today's, and which of its numbers.
PIECES = {
    "filter_length": ("kernel_size", 0),
    "kernel_dim1": ("kernel_size", 0),
    "kernel_dim2": ("kernel_size", 1),
    "kernel_dim3": ("kernel_size", 2),
    "nb_col": ("kernel_size", 1),
    "nb_row": ("kernel_size", 0),
    "pool_length": ("pool_size", 0),
    "stride": ("strides", 0),
    "subsample_length": ("strides", 0),
}

# How their values were spelled: the old name -> today's value -> the old one.
SPELLED = {"dim_ordering": {"channels_first": "th", "channels_last": "tf"}}

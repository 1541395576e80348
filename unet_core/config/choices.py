"""The names that settings choose from, each with its description; free of torch, for pages and the command line."""

LOSSES = {
    "auto": "bce_dice for binary, cross_entropy_dice for multiclass segmentation",
    "bce": "binary cross-entropy",
    "dice": "1 - soft Dice, insensitive to the size of the background",
    "bce_dice": "binary cross-entropy + Dice, the usual choice for binary segmentation",
    "cross_entropy": "multiclass cross-entropy",
    "cross_entropy_dice": "cross-entropy + Dice, the usual choice for multiclass segmentation",
    "iou": "1 - soft IoU (Jaccard), penalizes partial overlap more than Dice",
    "focal": "cross-entropy with less weight on well-classified pixels (Lin 2017)",
    "focal_dice": "focal + Dice",
    "tversky": "Dice with separate weights for false positives and false negatives (Salehi 2017)",
    "focal_tversky": "Tversky loss to the power of 3/4, for small objects (Abraham and Khan 2019)",
    "lovasz": "convex surrogate of the IoU (Berman 2018), often used for the last epochs",
}
CLASS_WEIGHTS = {
    "none": "all pixels have the same weight",
    "auto": "median-frequency balancing: rare classes weigh more (bce, cross_entropy, focal and their sums with Dice)",
}
OPTIMIZERS = {
    "adamw": "Adam with decoupled weight decay (Loshchilov and Hutter 2019)",
    "adam": "Adam (Kingma and Ba 2015), weight decay as an L2 penalty",
    "sgd": "stochastic gradient descent with Nesterov momentum 0.9; needs about 10x the learning rate of AdamW",
    "rmsprop": "RMSprop with momentum 0.9; needs about a tenth of the learning rate of AdamW",
}
SCHEDULES = {
    "one_cycle": "rises for 30% of the steps, then decays to near zero (Smith 2018)",
    "cosine": "linear warm-up over 5% of the steps, then cosine decay to near zero",
    "constant": "linear warm-up over 5% of the steps, then constant",
    "plateau": "as constant, but halved after plateau_patience epochs without improvement",
}
AUGMENTATIONS = {
    "none": "no augmentation",
    "flips": "flips and 90-degree rotations, for images without a fixed orientation",
    "light": "flips, 90-degree rotations, brightness and contrast",
    "strong": "light, with rotation, shear, scaling, elastic deformation, gamma, noise and blur; needs more epochs",
    "microscopy": "flips, rotation by any angle, scaling, elastic deformation, mild brightness changes, noise and blur",
    "street": "horizontal flips, brightness and contrast, for images with a fixed orientation",
}
NORMALIZATIONS = {
    "zscore": "zero mean and unit standard deviation per image, over all channels together",
    "unit": "0..255 scaled to 0..1",
}
NORMS = {
    "batch": "batch normalization (Ioffe and Szegedy 2015); fastest, needs a batch size of 4 or more",
    "group": "group normalization (Wu and He 2018); works with any batch size, takes about 1.6x the time",
    "instance": "instance normalization (Ulyanov 2016); ignores the contrast of an image",
    "none": "no normalization, as in the 2015 paper",
}
ACTIVATIONS = {
    "relu": "max(0, x)",
    "leaky_relu": "x, or 0.01 x below 0",
    "elu": "exponential linear unit, smooth below 0 (Clevert 2015)",
    "gelu": "Gaussian error linear unit (Hendrycks and Gimpel 2016)",
    "silu": "x sigmoid(x), also called swish",
}
DOWNS = {
    "maxpool": "2x2 max pooling",
    "avgpool": "2x2 average pooling",
    "strided_conv": "2x2 convolution with stride 2, learned",
}
UPS = {
    "transposed": "2x2 transposed convolution, learned",
    "bilinear": "bilinear upsampling, half the channels in the blocks before",
    "bilinear_aligned": "bilinear upsampling with aligned corners, as in milesial's U-Net",
    "nearest": "nearest-neighbor upsampling, half the channels in the blocks before",
}
ORDERS = {
    "conv_norm_act": "convolution, normalization, activation",
    "conv_act_norm": "convolution, activation, normalization",
}
PADDINGS = {
    "same": "padded convolutions: the mask has the size of the image",
    "valid": "unpadded convolutions: the mask is smaller than the image, tiles overlap (Ronneberger 2015)",
}
DEVICES = {
    "auto": "CUDA if available, else Apple MPS, else CPU",
    "cpu": "CPU",
    "cuda": "NVIDIA GPU",
    "mps": "Apple GPU",
}
PRECISIONS = {
    "auto": "bf16 where the device supports it (fp16 on older CUDA GPUs), else fp32",
    "fp32": "single precision",
    "bf16": "bfloat16 mixed precision",
    "fp16": "half precision with loss scaling, CUDA only",
}
SPLITS = {  # which images are evaluated, by the part of the training split they are in; "new" = in none of them
    "held-out": ("val", "test", "new"),
    "all": ("train", "val", "test", "new"),
    "train": ("train",),
    "val": ("val",),
    "test": ("test",),
}
LAYOUTS = {
    "auto": "detected from the folder",
    "dsb2018": "<id>/images/* and <id>/masks/*, one mask file per object (Data Science Bowl 2018)",
    "paired": "images/ and masks/ with the same file names",
    "split_folders": "train/ and trainannot/ (or train_masks/, train/images + train/masks), likewise val and test",
    "stack": "multi-page TIFFs, train-volume.tif and train-labels.tif, one image per page (ISBI 2012)",
    "mixed": "images and masks in one folder, paired by names such as a.png and a_mask.png, else by content",
}

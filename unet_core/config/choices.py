"""The names that settings choose from, each with its sentence; without torch, for pages and the command line."""

LOSSES = {
    "auto": "bce_dice for one class, cross_entropy_dice for several",
    "bce": "binary cross-entropy, every pixel counts the same",
    "dice": "1 - soft Dice, blind to the size of the background",
    "bce_dice": "binary cross-entropy + Dice, the usual choice for one class",
    "cross_entropy": "cross-entropy over several classes",
    "cross_entropy_dice": "cross-entropy + Dice, the usual choice for several classes",
    "iou": "1 - soft IoU (Jaccard), harder than Dice on what is half right",
    "focal": "cross-entropy with less weight on pixels that are right already (Lin 2017)",
    "focal_dice": "focal + Dice",
    "tversky": "Dice with a weight for missed and one for wrongly found pixels (Salehi 2017)",
    "focal_tversky": "Tversky to the power of 3/4, for small objects (Abraham and Khan 2019)",
    "lovasz": "a convex stand-in for the IoU itself (Berman 2018), good for the last epochs",
}
CLASS_WEIGHTS = {
    "none": "every pixel counts the same",
    "auto": "rare classes count more, by median-frequency balancing (bce, cross_entropy, focal and sums with them)",
}
OPTIMIZERS = {
    "adamw": "Adam with decoupled weight decay (Loshchilov and Hutter 2019)",
    "adam": "Adam (Kingma and Ba 2015), weight decay as an L2 penalty",
    "sgd": "stochastic gradient descent with Nesterov momentum 0.9; wants about ten times AdamW's rate",
    "rmsprop": "RMSprop with momentum 0.9; wants about a tenth of AdamW's rate",
}
SCHEDULES = {
    "one_cycle": "up in the first 30 % of the steps, then down to almost nothing (Smith 2018)",
    "cosine": "a linear warm-up in the first 5 % of the steps, then down a cosine to almost nothing",
    "constant": "a linear warm-up in the first 5 % of the steps, then always the same",
    "plateau": "as constant, but halved after plateau_patience epochs that were no better",
}
AUGMENTATIONS = {
    "none": "the crops as they are",
    "flips": "flips and quarter turns, for pictures without an up and down",
    "light": "flips, quarter turns, brightness and contrast",
    "strong": "the same, with turns, shears, scaling, elastic deformation, gamma, noise and blur; wants more epochs",
    "microscopy": "flips, any turn, scaling, elastic deformation, gentle brightness, noise and blur",
    "street": "left-right flips, brightness and contrast, for pictures with an up and down",
}
NORMALIZATIONS = {
    "zscore": "each image to mean 0 and standard deviation 1, over all its channels together",
    "unit": "0..255 to 0..1",
}
NORMS = {
    "batch": "batch normalization (Ioffe and Szegedy 2015); the fastest, wants batches of 4 or more",
    "group": "group normalization (Wu and He 2018); the same whatever the batch, about 1.6 times the time",
    "instance": "instance normalization (Ulyanov 2016); blind to the contrast of an image",
    "none": "none, as in the paper of 2015",
}
ACTIVATIONS = {
    "relu": "max(0, x)",
    "leaky_relu": "x, or 0.01 x below 0",
    "elu": "smooth below 0 (Clevert 2015)",
    "gelu": "smooth (Hendrycks and Gimpel 2016)",
    "silu": "x sigmoid(x), also called swish",
}
DOWNS = {
    "maxpool": "maximum over 2x2 pixels",
    "avgpool": "mean over 2x2 pixels",
    "strided_conv": "2x2 convolution with stride 2, learned",
}
UPS = {
    "transposed": "2x2 transposed convolution, learned",
    "bilinear": "bilinear up-sampling, half the channels in the blocks before",
    "bilinear_aligned": "the same with aligned corners, as milesial's U-Net does it",
    "nearest": "nearest-neighbor up-sampling, half the channels in the blocks before",
}
ORDERS = {
    "conv_norm_act": "convolution, norm, activation",
    "conv_act_norm": "convolution, activation, norm",
}
PADDINGS = {
    "same": "padded convolutions: any size in, the same size out",
    "valid": "unpadded convolutions: the mask is smaller than the image, tiles overlap (Ronneberger 2015)",
}
DEVICES = {
    "auto": "CUDA, else Apple MPS, else the processor",
    "cpu": "processor",
    "cuda": "NVIDIA GPU",
    "mps": "Apple GPU",
}
PRECISIONS = {
    "auto": "bf16 where the device has it (fp16 on older CUDA), else fp32",
    "fp32": "single precision",
    "bf16": "bfloat16 autocast",
    "fp16": "half-precision autocast with loss scaling, CUDA only",
}
SPLITS = {  # which images are scored, by what the model knows of them; "new" is an image that no split names
    "held-out": ("val", "test", "new"),
    "all": ("train", "val", "test", "new"),
    "train": ("train",),
    "val": ("val",),
    "test": ("test",),
}
LAYOUTS = {
    "auto": "found by looking at the folder",
    "dsb2018": "<id>/images/* and <id>/masks/*, one mask file for each object (Data Science Bowl 2018)",
    "paired": "images/ and masks/ with the same file names",
    "split_folders": "train/ and trainannot/ (or train_masks/, train/images + train/masks), likewise val and test",
    "stack": "multi-page TIFFs, train-volume.tif and train-labels.tif: an image a page (ISBI 2012)",
    "mixed": "images and masks in one folder, told apart by names such as a.png and a_mask.png, else by content",
}

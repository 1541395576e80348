"""The smallest example of each layout, and of the datasets and tools that write variants of it.

A test makes and reads every one of them. Paths are images unless another suffix says otherwise.
"""


def _paths(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


TREES: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = {
    "dsb2018": (
        _paths("id1/images/id1.png|id1/masks/1.png|id1/masks/2.png|id2/images/id2.png|id2/masks/1.png"),
        {
            "DSB 2018, as downloaded": _paths(
                "stage1_train/id1/images/id1.png|stage1_train/id1/masks/1.png|stage1_test/id2/images/id2.png"
            )
        },
    ),
    "voc": (
        _paths("JPEGImages/a.jpg|JPEGImages/b.jpg|SegmentationClass/a.png|SegmentationObject/a.png"),
        {
            "Pascal VOC": _paths(
                "VOCdevkit/VOC2012/ImageSets/Segmentation/train.txt|VOCdevkit/VOC2012/JPEGImages/a.jpg"
                "|VOCdevkit/VOC2012/SegmentationClass/a.png"
            ),
            "CVAT segmentation mask 1.1": _paths("labelmap.txt|JPEGImages/a.jpg|SegmentationClass/a.png"),
        },
    ),
    "nnunet": (
        _paths("dataset.json|imagesTr/case_001_0000.png|labelsTr/case_001.png|imagesTs/case_002_0000.png"),
        {
            "nnU-Net, two channels": _paths(
                "Dataset001_Cells/imagesTr/c1_0000.tif|Dataset001_Cells/imagesTr/c1_0001.tif"
                "|Dataset001_Cells/labelsTr/c1.tif"
            ),
            "Medical Segmentation Decathlon": _paths("imagesTr/heart_001.tif|labelsTr/heart_001.tif"),
        },
    ),
    "cell_tracking": (
        _paths("01/t000.tif|01/t001.tif|01_GT/SEG/man_seg000.tif|01_GT/TRA/man_track000.tif"),
        {
            "Cell Tracking Challenge, as downloaded": _paths(
                "DIC-C2DH-HeLa/02/t000.tif|DIC-C2DH-HeLa/02_ST/SEG/man_seg000.tif"
            )
        },
    ),
    "paired": (
        _paths("images/a.png|images/b.png|masks/a.png|masks/b.png"),
        {
            "numbered": _paths("images/image_001.png|images/image_002.png|masks/mask_001.png|masks/mask_002.png"),
            "masks below the images": _paths("a.jpg|b.jpg|masks/a.png|masks/b.png"),
            "Oxford-IIIT Pets": _paths("images/cat_1.jpg|annotations/trimaps/cat_1.png|annotations/list.txt"),
            "Supervisely": _paths(
                "ds0/img/a.jpg|ds0/masks_machine/a.jpg.png|ds0/masks_human/a.jpg.png|ds0/ann/a.jpg.json"
            ),
            "NuInsSeg": _paths(
                "human liver/tissue images/h_1.png|human liver/mask binary/h_1.png|human liver/label masks/h_1.tif"
                "|mouse heart/tissue images/m_1.png|mouse heart/mask binary/m_1.png"
            ),
            "STARE": _paths("stare-images/im0001.png|labels-ah/im0001.ah.png"),
            "StarDist": _paths("images/a.tif|images/b.tif|masks/a.tif|masks/b.tif"),
            "HRF": _paths("images/01_h.jpg|manual1/01_h.tif|mask/01_h_mask.tif"),
        },
    ),
    "split_folders": (
        _paths("train/a.png|train_masks/a.png|val/b.png|val_masks/b.png"),
        {
            "CamVid": _paths("train/a.png|train_labels/a_L.png|val/b.png|val_labels/b_L.png|class_dict.csv"),
            "Carvana": _paths("train/a_01.jpg|train_masks/a_01_mask.gif|test/b_01.jpg"),
            "ADE20K": _paths(
                "images/training/a.jpg|annotations/training/a.png|images/validation/b.jpg|annotations/validation/b.png"
            ),
            "Cityscapes": _paths(
                "leftImg8bit/train/ulm/ulm_000_leftImg8bit.png|gtFine/train/ulm/ulm_000_gtFine_labelIds.png"
                "|gtFine/train/ulm/ulm_000_gtFine_color.png|gtFine/train/ulm/ulm_000_gtFine_instanceIds.png"
            ),
            "DRIVE": _paths(
                "training/images/21_training.tif|training/1st_manual/21_manual1.gif|training/mask/21_training_mask.gif"
            ),
            "ISIC": _paths("ISIC_Training_Input/ISIC_1.jpg|ISIC_Training_GroundTruth/ISIC_1_segmentation.png"),
            "ZeroCostDL4Mic": _paths(
                "Training - Images/a.tif|Training - Masks/a.tif|Test - Images/b.tif|Test - Masks/b.tif"
            ),
            "Inria": _paths("train/images/austin1.tif|train/gt/austin1.tif|test/images/tyrol1.tif"),
            "Massachusetts Roads": _paths(
                "tiff/train/a_15.tiff|tiff/train_labels/a_15.tif|tiff/val/b_15.tiff|tiff/val_labels/b_15.tif"
            ),
        },
    ),
    "stack": (_paths("train-volume.tif|train-labels.tif"), {}),
    "mixed": (
        _paths("a.png|a_mask.png|b.png|b_mask.png"),
        {
            "Cellpose": _paths("000_img.png|000_masks.png|001_img.png|001_img_cp_masks.png"),
            "QuPath tiles": _paths(
                "S [x=0,y=0].jpg|S [x=0,y=0]-labelled.png|S [x=64,y=0].jpg|S [x=64,y=0]-labelled.png"
            ),
            "Roboflow": _paths(
                "train/a_jpg.rf.01.jpg|train/a_jpg.rf.01_mask.png|valid/b_jpg.rf.02.jpg|valid/b_jpg.rf.02_mask.png"
            ),
            "DeepGlobe": _paths("train/1_sat.jpg|train/1_mask.png|valid/2_sat.jpg"),
            "LGG MRI (kaggle_3m)": _paths(
                "kaggle_3m/TCGA_1/TCGA_1_1.tif|kaggle_3m/TCGA_1/TCGA_1_1_mask.tif"
                "|kaggle_3m/TCGA_2/TCGA_2_1.tif|kaggle_3m/TCGA_2/TCGA_2_1_mask.tif"
            ),
            "BUSI": _paths(
                "benign/benign (1).png|benign/benign (1)_mask.png|benign/benign (1)_mask_1.png|benign/benign (11).png"
                "|benign/benign (11)_mask.png|normal/normal (1).png|normal/normal (1)_mask.png"
            ),
            "Crack500": _paths("traincrop/a.jpg|traincrop/a.png|traincrop/b.jpg|traincrop/b.png"),
        },
    ),
}

"""The metadata of a model card: what the Hub lists, filters and compares models by."""

from collections.abc import Sequence

from unet_core.sharing.evidence import Evidence

METRICS = {"dice": "Mean Dice over images", "iou": "Mean IoU over images"}
SPLIT_NAMES = {"test": "test", "val": "validation", "new": "new"}


def metadata(evidence: Evidence, title: str, dataset: str, license_name: str, names: Sequence[str]) -> str:
    """YAML of the metadata, with an evaluation result for each part of the split and metric."""
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type="image-segmentation",
            task_name="Semantic segmentation",
            dataset_type="custom",
            dataset_name=dataset,
            dataset_split=SPLIT_NAMES[part],
            metric_type=metric,
            metric_name=f"{METRICS[metric]} ({SPLIT_NAMES[part]}, {summary.images} images)",
            metric_value=round(summary.mean[metric], 4),
        )
        for part, summary in evidence.summaries().items()
        for metric in METRICS
        if summary.mean[metric] == summary.mean[metric]
    ]
    tags = ["unet-studio", "u-net", "image-segmentation", "semantic-segmentation"]
    data = ModelCardData(
        license=license_name,
        library_name="unet-studio",
        pipeline_tag="image-segmentation",
        tags=tags + ["tensorboard"] * any("tfevents" in name for name in names),
        model_name=title if results else None,
        eval_results=results or None,
        metrics=list(METRICS) if results else None,
    )
    return data.to_yaml(line_break="\n").rstrip("\n")

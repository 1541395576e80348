"""Whether probabilities mean what they say: precision against recall, the reliability diagram, temperature scaling."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.figures import chart_view, threshold_charts
from pages.ui.formatting import plain, score_text

if TYPE_CHECKING:
    from unet_core.evaluation.tuning.study import Study


def show(study: "Study", name: str, selected: float | None) -> None:
    """Both charts of the validation images; `selected` is the threshold that is marked, None of several classes."""
    if selected is None:
        show_reliability(study, name)
        return
    left, right = st.columns(2, gap="medium")
    with left:
        show_precision_recall(study, name, selected)
    with right:
        show_reliability(study, name)


def show_precision_recall(study: "Study", name: str, selected: float) -> None:
    """The curve with its average precision."""
    part = study.validation
    curve = study.precision_recall()
    st.markdown(f"**Precision and recall** · average precision {score_text(curve.average_precision)}")
    point = part.score(selected, "recall", True), part.score(selected, "precision", True)
    chart_view.show_chart(
        threshold_charts.draw_precision_recall(curve, point),
        "precision_recall",
        f"{name}-precision-recall",
        "Precision against recall of all pixels of the validation images",
    )


def show_reliability(study: "Study", name: str) -> None:
    """The diagram in words and as a chart; on a switch with the temperature that fits validation best."""
    from unet_core.evaluation.tuning.study import describe_reliability

    reliability = study.reliability()
    of = "probability of the foreground" if study.is_binary else "probability of the predicted class"
    st.markdown(f"**Reliability** · expected calibration error {reliability.error:.4f}")
    scaled = None
    if study.is_binary and st.toggle(
        "Temperature scaling",
        key="threshold_temperature",
        help="Divides the logits by one number, fitted on the validation images (Guo et al. 2017). For this display "
        "only: the model is not changed.",
    ):
        fitted = study.fit_temperature()
        scaled = study.reliability(temperature=fitted.value)
        st.caption(
            f"Temperature {fitted.value:.3f}: expected calibration error {fitted.error_before:.4f} without, "
            f"{fitted.error:.4f} with. The mask at the threshold 0.5 does not change."
        )
        if study.test is not None:
            before, after = study.reliability("test").error, study.reliability("test", fitted.value).error
            st.caption(f"Test images: {before:.4f} without, {after:.4f} with.")
    chart_view.show_chart(
        threshold_charts.draw_reliability(reliability, scaled, of),
        "reliability",
        f"{name}-reliability",
        "How often what has a probability is true, on the validation images",
    )
    st.caption(plain(describe_reliability(reliability, study.is_binary)))

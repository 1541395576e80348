# The app for strangers: a Hugging Face Space (see docs/space.md) or any server. For yourself alone, with images to read:
#   docker build -t unet-studio .
#   docker run --rm -p 127.0.0.1:8501:7860 -e UNET_STUDIO_PUBLIC=0 -v unet-studio:/data -v ~/images:/images:ro unet-studio
FROM python:3.11-slim

# A Space runs its container as user 1000. Of the disk that user can write below /data alone, which holds all state.
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --home-dir /data --no-create-home studio \
    && install -d -o 1000 -g 1000 /data \
    && install -d /images

WORKDIR /app
# The CPU build of torch: the plain wheel brings 3 GB of CUDA libraries.
COPY requirements.txt .
RUN pip install --no-cache-dir torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu \
    && pip install --no-cache-dir -r requirements.txt
COPY . .
RUN chmod -R a+rX,go-w . && python -m compileall -q .

# A Space is shown in a frame of another site, where browsers keep back the XSRF cookie: uploads would get 403. The
# server still accepts no page of another origin (CORS protection is on). A message of a page is read whole before its
# size is checked, so its most is low.
ENV UNET_STUDIO_PUBLIC=1 \
    UNET_RUNS=/data/runs \
    UNET_DATASETS=/data/datasets \
    UNET_UPLOADS=/data/uploads \
    UNET_SAMPLE=/data/sample_data \
    UNET_DATA_ROOT=/images \
    HOME=/data \
    XDG_CACHE_HOME=/data/.cache \
    HF_HOME=/data/.cache/huggingface \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=7860 \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_SERVER_ENABLE_CORS=true \
    STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=false \
    STREAMLIT_SERVER_MAX_MESSAGE_SIZE=10 \
    PYTHONUNBUFFERED=1
USER 1000
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/_stcore/health', timeout=4)"]
# tini takes the signals of the container, the module below it hands them to the server and to every trainer.
ENTRYPOINT ["tini", "--", "python", "-m", "unet_core.io.container"]
CMD ["python", "-m", "streamlit", "run", "app.py"]

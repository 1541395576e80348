# For a server or a Hugging Face Space (sdk: docker, app_port: 8501). The disk of a free Space is lost at each restart.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 studio
WORKDIR /home/studio/app
COPY requirements.txt .
RUN pip install --no-cache-dir torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu \
    && pip install --no-cache-dir -r requirements.txt
COPY --chown=1000 . .
RUN chown 1000 . && mkdir /data
USER 1000

# A Space shows the app in a frame of another site, where the XSRF cookie does not arrive and uploads would get 403.
# Of the container's disk only what is mounted below /data can be chosen as a dataset.
ENV STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    UNET_DATA_ROOT=/data \
    STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=false \
    PYTHONUNBUFFERED=1
EXPOSE 8501
HEALTHCHECK CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health')"
CMD ["python", "-m", "streamlit", "run", "app.py"]

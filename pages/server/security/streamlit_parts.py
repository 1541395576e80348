"""What the gate must know of Streamlit, and the only place where it does: its routes, messages and uploads."""

from collections.abc import Mapping

UPLOADS = "_stcore/upload_file/"  # .../SESSION/FILE: a file of Predict, in memory until the page has run
SOCKET = "_stcore/stream"
CLOSED = ("_stcore/metrics", "_stcore/agent/", "_stcore/script-health-check")  # for whoever runs the server
MESSAGES = ("rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "backend_operation_request")


def is_allowed(data: bytes) -> bool:
    """Whether a visitor may send a message: none that empties the caches of all, nor asks about the server.

    What is no message passes: Streamlit closes the connection.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return True
    return message.WhichOneof("type") in (*MESSAGES, None)


def held_uploads() -> Mapping[str, int]:
    """Bytes of uploads in memory by session."""
    from streamlit import runtime
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

    if not runtime.exists():
        return {}
    manager = runtime.get_instance().uploaded_file_mgr
    if not isinstance(manager, MemoryUploadedFileManager):
        return {}
    sessions = list(manager.file_storage.items())
    return {session: sum(len(file.data) for file in list(files.values())) for session, files in sessions}

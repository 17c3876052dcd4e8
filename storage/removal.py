"""What is promised when a video is removed: by its owner, or by the actor that clears up after them."""

from storage.records import Video
from subjects.codec import Envelope, derived_id, seal
from subjects.video import VideoDeleted


def removal_announcement(video: Video, trace: str = "") -> Envelope:
    """Return the news for `Videos.remove`. Its id follows from the video's: said twice, it is said once."""
    message_id = derived_id(str(video.id), "gateway", 0)
    return seal(VideoDeleted(video_id=video.id), message_id=message_id, priority=video.priority, trace=trace)

"""Twins of the adapters, for tests and for reading: the same answers without a server.

    storage = MemoryStorage()
    await storage.videos.create(video, upload)

They pass the same contract suites as the real adapters.
"""

from storage.memory.cache import MemoryCache
from storage.memory.objects import MemoryObjects
from storage.memory.storage import MemoryStorage

__all__ = ["MemoryCache", "MemoryObjects", "MemoryStorage"]

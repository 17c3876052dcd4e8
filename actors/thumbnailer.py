"""video.probed -> thumbnailer -> video.thumbnailed | stage.skipped

Chooses the pictures that stand for a clip, in a limited child process: posters, a storyboard, a moving
preview, and the frames later actors look at.
Idempotent: one illustration per video under fixed keys; a redelivery answers from the row.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from msgspec.structs import replace

from actors.core.actor import Actor, Delivery
from actors.core.context import Context
from actors.core.wanted import LOOK_SECONDS, while_wanted
from actors.engines.blame import blamed_on_the_clip
from actors.engines.errors import BadMedia
from actors.engines.pictures.thumbnails import Illustration as Drawn
from actors.engines.pictures.thumbnails import Illustrator
from storage.keys import derived_key
from storage.no_orphans import no_orphans
from storage.ports import Objects, Videos
from storage.records import Illustration
from storage.workspace import Workspace
from subjects import stage, video
from subjects.media import Picture
from subjects.stage import StageSkipped
from subjects.video import VideoProbed, VideoThumbnailed


def placed(made: Drawn, video_id: UUID) -> Illustration:
    """Return the pictures with their names turned into the keys they are stored under."""

    def picture(one: Picture) -> Picture:
        return replace(one, key=derived_key(video_id, one.key))

    storyboard = made.storyboard
    return Illustration(
        posters=tuple(map(picture, made.posters)),
        preview=picture(made.preview) if made.preview else None,
        storyboard=replace(
            storyboard,
            vtt_key=derived_key(video_id, storyboard.vtt_key),
            sheet_keys=tuple(derived_key(video_id, name) for name in storyboard.sheet_keys),
        ),
        frames=tuple(replace(one, key=derived_key(video_id, one.key)) for one in made.frames),
    )


@dataclass(frozen=True, slots=True)
class Thumbnailer(Actor[VideoProbed, VideoThumbnailed | StageSkipped]):
    """Illustrates a clip."""

    name: ClassVar = "thumbnailer"
    consumes: ClassVar = (video.PROBED,)
    produces: ClassVar = (video.THUMBNAILED, stage.SKIPPED)
    delivery: ClassVar = Delivery(ack_wait=10.0, concurrency=2)

    engine: Illustrator
    objects: Objects
    videos: Videos
    workspace: Workspace
    look_seconds: float = LOOK_SECONDS

    async def handle(self, event: VideoProbed, ctx: Context) -> tuple[VideoThumbnailed | StageSkipped, ...]:
        """Make the pictures once; a clip none of whose frames can be decoded is skipped."""
        async with no_orphans(self.objects, event.video_id):
            known = await self.videos.load(event.video_id)
            try:
                made = known.illustration or await self._illustrate(event, ctx)
            except BadMedia as refused:
                return (
                    StageSkipped(
                        video_id=event.video_id,
                        stage=self.name,
                        reason=refused.code,
                        detail=refused.sentence,
                    ),
                )
        return (
            VideoThumbnailed(
                video_id=event.video_id,
                posters=made.posters,
                preview=made.preview,
                storyboard=made.storyboard,
                frames=made.frames,
            ),
        )

    async def _illustrate(self, event: VideoProbed, ctx: Context) -> Illustration:
        """Draw into a directory of our own, store every file, then keep the row: readers find all or none."""
        with self.workspace.folder() as out_dir:
            async with self.workspace.copy_of(event.key, lambda: ctx.progress(0.0, "fetching")) as path:
                with blamed_on_the_clip(ctx.attempt):
                    drawing = self.engine.illustrate(path, event.metadata, out_dir, ctx.progress)
                    made = await while_wanted(drawing, self.videos, ctx, self.look_seconds)
            for file in sorted(out_dir.iterdir()):
                await ctx.during(self.objects.put_file(derived_key(event.video_id, file.name), file))
                await ctx.progress(0.95, "storing the pictures")
        illustration = placed(made, event.video_id)
        await self.videos.record_illustration(event.video_id, illustration)
        return illustration

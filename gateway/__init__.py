"""What is seen: the JSON API on Robyn and the media plane on Granian.

Third floor, beside `actors`, which it never imports. Robyn buffers bodies, so it speaks JSON only; Granian
streams, so it moves bytes (uploads by tus, delivery by signed URLs). Both see storage and the bus as ports.
"""

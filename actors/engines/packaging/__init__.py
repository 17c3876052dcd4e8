"""What players read: HLS playlists and DASH manifests of the same segments."""

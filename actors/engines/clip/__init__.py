"""What a clip is: its container, when its pictures are shown, its first picture. All else asks these."""

"""How often somebody may do something: leased token buckets."""

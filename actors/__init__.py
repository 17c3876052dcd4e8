"""Who does the work: one file per actor, on engines, on the runtime in `core/`.

An actor declares what it consumes and produces, is given its ports, and has one `handle` that returns what
it wants said. Policy (retry, dead letters, dedupe, tracing, metrics, progress, drain) stands once, in
`core/`; media work in limited child processes, in `engines/`. Actors never import one another.
"""

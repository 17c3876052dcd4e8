"""One media job per limited child process: libav never reads strangers' bytes in a process of ours."""

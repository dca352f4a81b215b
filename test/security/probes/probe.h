/* A program that tries one thing and says what the kernel answered: `OK`, `EOF`, or the name of an errno. */
#pragma once

/* What came of an attempt, its name and its words; NULL: there is no such. */
const char *answer_to(char **words);
/* The arguments are squash-packer's. */
int be_planted(char **arguments);

/* Each returns -1 with errno when it was refused; what it got hold of ends with the process. */
int try_call(char **words);        /* NAME|NUMBER ARGUMENT…: a raw system call */
int try_read(char **words);        /* PATH: one byte; 1 when there is none */
int try_write(char **words);       /* PATH TEXT */
int try_rewrite(char **words);     /* PATH: its own content, so that nothing changes where it succeeds */
int try_connect(char **words);     /* unix|abstract NAME, or tcp ADDRESS PORT */
int try_attach(char **words);      /* PID: PTRACE_ATTACH, and lets go of it again */
int try_read_memory(char **words); /* PID: process_vm_readv of an address that nobody has mapped */
int try_handle(char **words);      /* PATH: open_by_handle_at of its own name_to_handle_at */
int try_i386(char **words);        /* getpid through the 32-bit entry of the kernel */
int try_nft_table(char **words);   /* adds a table of packet filters to the network namespace it is in */
int try_terminals(char **words);   /* COUNT: that many pseudo-terminals at once */
int try_be_root(char **words);     /* refused when its effective user is another */

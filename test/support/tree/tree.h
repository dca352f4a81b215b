/* A program that makes files which a shell cannot make, and says everything that can be seen of files. */
#pragma once

/* Each returns 0, or -1 with errno. */
int walk(char **words);           /* FOLDER: a line for each file below it, and for itself */
int make_attribute(char **words); /* PATH NAME HEX: an extended attribute */
int make_deep(char **words);      /* FOLDER BYTES SEGMENT: an empty file at a path of so many bytes below the folder */
int make_many(char **words);      /* FOLDER COUNT: files with content, a thousand in a folder */
int make_modes(char **words);     /* FOLDER: a file and a folder of every mode */
int make_owners(char **words); /* FOLDER COUNT: files that belong to users 0, 1, 2 … and to groups from 65535 down */
int make_socket(char **words); /* PATH */
int make_time(char **words);   /* PATH SECONDS NANOSECONDS: the time of its last change, of a link too */

/** Where an upper lives: an ext4 image, memory, or a subvolume of the pool. */
export type UpperKind = 'disk' | 'tmpfs' | 'btrfs';

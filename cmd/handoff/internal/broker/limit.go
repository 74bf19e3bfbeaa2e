package broker

import (
	"io/fs"
	"path/filepath"
	"syscall"
)

const (
	leastStore = 64 << 20
	mostStore  = 16 << 30
)

// Limit is how large a store in dir may become: half of what the disk has free and the store uses
// already, at most 16 GiB. The other half is Postgres's, which is the record.
func Limit(dir string) (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	used, err := size(dir)
	if err != nil {
		return 0, err
	}
	free := int64(disk.Bavail) * int64(disk.Bsize)
	return min(max((free+used)/2, leastStore), mostStore), nil
}

func size(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}

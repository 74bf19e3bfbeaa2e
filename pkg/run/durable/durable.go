// Package durable writes small files that a program cannot do without: keys, passwords, where it is.
//
// Guarantee: at every moment, also after a power cut, the file is what it was before or holds all of
// the new content, never a part of it; once the call has returned it is the new content.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// Write makes the file or replaces it. Of processes that write at once one wins. A crash may leave a
// file named .NAME-* beside it.
func Write(path string, content []byte, perm os.FileMode) error {
	return put(path, content, perm, os.Rename)
}

// Create makes the file where there is none; where there is one it stays and the error wraps
// fs.ErrExist, so that processes that start at once agree on what the first one wrote.
func Create(path string, content []byte, perm os.FileMode) error {
	return put(path, content, perm, os.Link)
}

// put writes aside, then moves what is on the disk already to its place.
func put(path string, content []byte, perm os.FileMode, place func(from, to string) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after a rename there is nothing of that name
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the names in a folder survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

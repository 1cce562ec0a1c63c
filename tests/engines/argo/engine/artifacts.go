package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
)

// bucket is a folder that stands for an S3 bucket: keys are paths below it.
type bucket string

func (b bucket) path(key string) (string, error) {
	at := filepath.Join(string(b), filepath.Clean("/"+key))
	if at == string(b) {
		return "", fmt.Errorf("artifact without a key")
	}
	return at, nil
}

func run(argv ...string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", argv[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// copyTo makes `to` the same file or folder as `from`.
func copyTo(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return run("cp", "-rL", "--", from, to)
}

// load writes an input artifact to a path, unpacked as its archive strategy says.
func (b bucket) load(a *wfv1.Artifact, to string) error {
	if a.Raw != nil {
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(a.Raw.Data), 0o644)
	}
	if a.S3 == nil {
		return fmt.Errorf("artifact %s: only s3 and raw are known here", a.Name)
	}
	from, err := b.path(a.S3.Key)
	if err != nil {
		return err
	}
	if _, err := os.Stat(from); err != nil {
		return fmt.Errorf("artifact %s failed to load: The specified key does not exist. %s: %w", a.Name, a.S3.Key, fs.ErrNotExist)
	}
	packed := a.Archive != nil && a.Archive.Tar != nil
	if a.Archive == nil {
		packed = exec.Command("tar", "-tzf", from).Run() == nil
	}
	if !packed {
		return copyTo(from, to)
	}
	return unpack(from, to)
}

// unpack gives a tar of one file or folder that file or folder, and one of several a folder with them, as the executor does.
func unpack(from, to string) error {
	work := to + ".tmpdir"
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := run("tar", "-xzf", from, "-C", work); err != nil {
		return err
	}
	entries, err := os.ReadDir(work)
	if err != nil {
		return err
	}
	if len(entries) == 1 {
		return os.Rename(filepath.Join(work, entries[0].Name()), to)
	}
	return os.Rename(work, to)
}

// save stores an output artifact under its key, or below the key format of the archive location, and says where it went.
func (b bucket) save(a *wfv1.Artifact, archive *wfv1.ArtifactLocation, from string) error {
	name := filepath.Base(a.Path)
	plain := a.Archive != nil && a.Archive.None != nil
	if !plain {
		name = a.Name + ".tgz"
	}
	if !a.HasKey() {
		if archive == nil || archive.S3 == nil {
			return fmt.Errorf("artifact %s has no location", a.Name)
		}
		a.S3 = archive.S3.DeepCopy()
		a.S3.Key = archive.S3.Key + "/" + name
	}
	to, err := b.path(a.S3.Key)
	if err != nil {
		return err
	}
	if plain {
		return copyTo(from, to)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return run("tar", "-czf", to, "-C", filepath.Dir(from), filepath.Base(from))
}

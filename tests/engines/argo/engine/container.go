package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// bind shows a file or folder of the machine at a path of the container.
type bind struct {
	From, To string
	ReadOnly bool
}

// container is what a process needs that stands for one: the files of its image with some paths replaced.
type container struct {
	Image string // a folder with them, which the container cannot change; "/" for those of the machine
	Root  string // an empty folder of this container; what is not bound is private to it
	Binds []bind
	Argv  []string
	Env   []string
	Dir   string
}

// Folders of the machine that a container does not see: it gets empty ones of its own.
var private = map[string]bool{"tmp": true, "run": true, "mnt": true, "media": true, "lost+found": true}

// enter turns this process, which has a mount namespace of its own, into the container's. It returns only with an error.
func (c *container) enter() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := c.furnish(); err != nil {
		return err
	}
	for _, b := range c.Binds {
		if err := c.show(b); err != nil {
			return fmt.Errorf("mount %s: %w", b.To, err)
		}
	}
	if err := syscall.Chroot(c.Root); err != nil {
		return err
	}
	if err := os.Chdir(c.Dir); err != nil {
		return err
	}
	os.Clearenv()
	for _, e := range c.Env {
		name, value, _ := strings.Cut(e, "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	program, err := exec.LookPath(c.Argv[0])
	if err != nil {
		return fmt.Errorf("failed to find name in PATH: %w", err)
	}
	return syscall.Exec(program, c.Argv, c.Env)
}

// furnish fills the root with the folders of the image, and what every container has of its machine.
func (c *container) furnish() error {
	entries, err := os.ReadDir(c.Image)
	if err != nil {
		return err
	}
	if c.Image != "/" {
		for _, name := range []string{"/dev", "/proc"} {
			if err := c.show(bind{From: name, To: name}); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for _, e := range entries {
		at := filepath.Join(c.Root, e.Name())
		switch {
		case private[e.Name()]:
			err = os.MkdirAll(at, 0o777)
		case e.Type()&os.ModeSymlink != 0:
			var to string
			if to, err = os.Readlink(filepath.Join(c.Image, e.Name())); err == nil {
				err = os.Symlink(to, at)
			}
		case e.IsDir():
			err = c.show(bind{From: filepath.Join(c.Image, e.Name()), To: "/" + e.Name(), ReadOnly: c.Image != "/"})
		}
		if err != nil {
			return fmt.Errorf("/%s: %w", e.Name(), err)
		}
	}
	return nil
}

func (c *container) show(b bind) error {
	at := filepath.Join(c.Root, b.To)
	info, err := os.Stat(b.From)
	if os.IsNotExist(err) { // as a kubelet makes the folder of a subPath that is not there
		if err = os.MkdirAll(b.From, 0o755); err == nil {
			info, err = os.Stat(b.From)
		}
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = os.MkdirAll(at, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil {
		var f *os.File
		if f, err = os.OpenFile(at, os.O_CREATE, 0o644); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return err
	}
	if err := syscall.Mount(b.From, at, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return err
	}
	if !b.ReadOnly {
		return nil
	}
	return syscall.Mount("", at, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
}

// hostPath gives the file of the machine behind a path of the container.
func (c *container) hostPath(path string) string {
	path = filepath.Clean(path)
	longest := bind{From: c.Root, To: "/"}
	for _, b := range c.Binds {
		if (path == b.To || strings.HasPrefix(path, b.To+"/")) && len(b.To) > len(longest.To) {
			longest = b
		}
	}
	rest, err := filepath.Rel(longest.To, path)
	if err != nil {
		return path
	}
	return filepath.Join(longest.From, rest)
}

// command gives the process that becomes the container.
func (c *container) command() (*exec.Cmd, error) {
	described, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(c.Root, "..", "container.json")
	if err := os.WriteFile(file, described, 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe", "container", file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Setpgid: true}
	return cmd, nil
}

// runToEnd runs a container that comes before the main one; the error has what it printed.
func (c *container) runToEnd() error {
	cmd, err := c.command()
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", c.Argv[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// becomeContainer is the whole of that process; the exit code 64 tells that the container could not start.
func becomeContainer(file string) {
	described, err := os.ReadFile(file)
	var c container
	if err == nil {
		err = json.Unmarshal(described, &c)
	}
	if err == nil {
		err = c.enter()
	}
	fmt.Fprintln(os.Stderr, "Error:", err)
	os.Exit(64)
}

package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v4/workflow/common"
	apiv1 "k8s.io/api/core/v1"
)

// prepared is a pod whose containers can start: its volumes are filled, its input artifacts are there.
type prepared struct {
	pod         *apiv1.Pod
	template    wfv1.Template
	main        *apiv1.Container
	dir         string // of this pod; holds root/, volumes/, log
	bucket      bucket
	box         container
	wantsResult bool
	before      []container // in their order
}

// prepare does the work of the init container. Its errors end the pod as those of the init container do.
func (k *kubelet) prepare(pod *apiv1.Pod) (*prepared, error) {
	work := k.job(pod.Namespace).Work
	p := &prepared{pod: pod, dir: filepath.Join(work, "pods", pod.Name), bucket: bucket(filepath.Join(work, "store"))}
	for i := range pod.Spec.Containers {
		switch c := &pod.Spec.Containers[i]; c.Name {
		case common.MainContainerName:
			p.main = c
		case common.WaitContainerName:
		default:
			return nil, fmt.Errorf("container %s is not of a kind that can be run here", c.Name)
		}
	}
	if p.main == nil || len(pod.Spec.InitContainers) == 0 || pod.Spec.InitContainers[0].Name != common.InitContainerName {
		return nil, fmt.Errorf("only pods of one main container can be run here")
	}
	if err := k.volumes(p); err != nil {
		return nil, err
	}
	if err := k.readTemplate(p); err != nil {
		return nil, err
	}
	var err error
	for i := range pod.Spec.InitContainers[1:] {
		var box container
		c := &pod.Spec.InitContainers[i+1]
		if box, _, err = k.container(p, c, filepath.Join("before", c.Name)); err != nil {
			return nil, err
		}
		p.before = append(p.before, box)
	}
	var env map[string]string
	if p.box, env, err = k.container(p, p.main, "."); err != nil {
		return nil, err
	}
	p.wantsResult = env[common.EnvVarIncludeScriptOutput] == "true"
	if err := p.stage(); err != nil {
		return nil, err
	}
	return p, p.largeArguments(env[common.EnvVarContainerArgsFile])
}

// container describes the process of a container, which gets folders of its own below that of the pod, and gives its variables.
func (k *kubelet) container(p *prepared, c *apiv1.Container, folder string) (container, map[string]string, error) {
	box := container{Image: "/", Root: filepath.Join(p.dir, folder, "root"), Dir: "/"}
	if image, ok := k.job(p.pod.Namespace).Images[c.Image]; ok {
		box.Image = image
	}
	if c.WorkingDir != "" {
		box.Dir = c.WorkingDir
	}
	for _, m := range c.VolumeMounts {
		from := filepath.Join(p.volume(m.Name), m.SubPath)
		box.Binds = append(box.Binds, bind{From: from, To: filepath.Clean(m.MountPath), ReadOnly: m.ReadOnly})
	}
	env, err := k.environment(p.pod, c)
	if err != nil {
		return box, nil, err
	}
	for name, value := range env {
		box.Env = append(box.Env, name+"="+value)
	}
	for _, word := range append(behindEmissary(c.Command), c.Args...) {
		box.Argv = append(box.Argv, expand(word, env))
	}
	return box, env, os.MkdirAll(box.Root, 0o755)
}

func (p *prepared) volume(name string) string { return filepath.Join(p.dir, "volumes", name) }

// volumes makes the folders of the pod's volumes.
func (k *kubelet) volumes(p *prepared) error {
	for _, v := range p.pod.Spec.Volumes {
		at := p.volume(v.Name)
		if err := os.MkdirAll(at, 0o777); err != nil {
			return err
		}
		var err error
		switch {
		case v.EmptyDir != nil:
		case v.ConfigMap != nil:
			err = k.project(p.pod.Namespace, "configmaps", v.ConfigMap.Name, v.ConfigMap.Items, at)
		case v.Secret != nil:
			err = k.project(p.pod.Namespace, "secrets", v.Secret.SecretName, v.Secret.Items, at)
		default:
			err = fmt.Errorf("the kind of volume %s cannot be mounted here", v.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// content gives the entries of a ConfigMap or Secret.
func (k *kubelet) content(namespace, resource, name string) (map[string][]byte, error) {
	o, err := k.store.get(resource, namespace, name)
	if err != nil {
		return nil, err
	}
	content := map[string][]byte{}
	data, _ := o["data"].(object)
	for key, v := range data {
		s, _ := v.(string)
		content[key] = []byte(s)
		if resource == "secrets" {
			if content[key], err = base64.StdEncoding.DecodeString(s); err != nil {
				return nil, err
			}
		}
	}
	binary, _ := o["binaryData"].(object)
	for key, v := range binary {
		s, _ := v.(string)
		if content[key], err = base64.StdEncoding.DecodeString(s); err != nil {
			return nil, err
		}
	}
	return content, nil
}

func (k *kubelet) project(namespace, resource, name string, items []apiv1.KeyToPath, at string) error {
	content, err := k.content(namespace, resource, name)
	if err != nil {
		return err
	}
	if items == nil {
		for key := range content {
			items = append(items, apiv1.KeyToPath{Key: key, Path: key})
		}
	}
	for _, item := range items {
		value, ok := content[item.Key]
		if !ok {
			return fmt.Errorf("references non-existent config key: %s", item.Key)
		}
		file := filepath.Join(at, item.Path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, value, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// readTemplate reads what the init container is told of the template, which the controller moves to a ConfigMap when it is large.
func (k *kubelet) readTemplate(p *prepared) error {
	for _, e := range p.pod.Spec.InitContainers[0].Env {
		if e.Name != common.EnvVarTemplate {
			continue
		}
		value := []byte(e.Value)
		if e.Value == common.EnvVarTemplateOffloaded {
			content, err := k.content(p.pod.Namespace, "configmaps", p.pod.Name)
			if err != nil {
				return err
			}
			value = content[common.EnvVarTemplate]
		}
		return json.Unmarshal(value, &p.template)
	}
	return fmt.Errorf("the init container has no template")
}

// stage writes the script and the input artifacts to where the container finds them.
func (p *prepared) stage() error {
	if p.template.Script != nil {
		if err := os.WriteFile(filepath.Join(p.volume("argo-staging"), "script"), []byte(p.template.Script.Source), 0o755); err != nil {
			return err
		}
	}
	for i := range p.template.Inputs.Artifacts {
		a := &p.template.Inputs.Artifacts[i]
		if !a.HasLocationOrKey() {
			if a.Optional {
				continue
			}
			return fmt.Errorf("required artifact '%s' not supplied", a.Name)
		}
		to := filepath.Join(p.volume("input-artifacts"), a.Name)
		if common.FindOverlappingVolume(&p.template, a.Path) != nil {
			to = p.box.hostPath(a.Path)
		}
		if err := p.bucket.load(a, to); err != nil {
			if a.Optional && errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return err
		}
		if a.Mode != nil {
			if err := os.Chmod(to, os.FileMode(*a.Mode)); err != nil {
				return err
			}
		}
	}
	return nil
}

// environment computes the variables of the container in their order, as later ones may refer to earlier ones.
func (k *kubelet) environment(pod *apiv1.Pod, c *apiv1.Container) (map[string]string, error) {
	env := map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "HOSTNAME": pod.Name}
	for _, e := range c.Env {
		value := expand(e.Value, env)
		if e.ValueFrom != nil {
			v, err := k.variable(pod, e.ValueFrom)
			if err != nil {
				return nil, err
			}
			if v == nil {
				continue
			}
			value = *v
		}
		env[e.Name] = value
	}
	return env, nil
}

// variable gives the value that a variable takes from elsewhere; nil when that is optional and absent.
func (k *kubelet) variable(pod *apiv1.Pod, from *apiv1.EnvVarSource) (*string, error) {
	resource, name, key, optional := "", "", "", false
	switch {
	case from.SecretKeyRef != nil:
		resource, name, key = "secrets", from.SecretKeyRef.Name, from.SecretKeyRef.Key
		optional = from.SecretKeyRef.Optional != nil && *from.SecretKeyRef.Optional
	case from.ConfigMapKeyRef != nil:
		resource, name, key = "configmaps", from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Key
		optional = from.ConfigMapKeyRef.Optional != nil && *from.ConfigMapKeyRef.Optional
	case from.FieldRef != nil:
		fields := map[string]string{"metadata.name": pod.Name, "metadata.namespace": pod.Namespace, "metadata.uid": string(pod.UID)}
		value, ok := fields[from.FieldRef.FieldPath]
		if !ok {
			return nil, fmt.Errorf("the field %s of a pod is not known here", from.FieldRef.FieldPath)
		}
		return &value, nil
	default:
		return nil, fmt.Errorf("a variable from an unknown source")
	}
	content, err := k.content(pod.Namespace, resource, name)
	value, ok := content[key]
	if err == nil && !ok {
		err = fmt.Errorf("couldn't find key %s in %s %s/%s", key, resource, pod.Namespace, name)
	}
	if err != nil {
		if optional {
			return nil, nil
		}
		return nil, err
	}
	s := string(value)
	return &s, nil
}

// behindEmissary gives the command that a container's emissary would run, or the whole when it has none.
func behindEmissary(command []string) []string {
	for i, word := range command {
		if word == "--" {
			command = command[i+1:]
			break
		}
	}
	return append([]string{}, command...)
}

// largeArguments takes further arguments from the file that the controller moves large ones to.
func (p *prepared) largeArguments(file string) error {
	if file == "" {
		return nil
	}
	content, err := os.ReadFile(p.box.hostPath(file))
	if err != nil {
		return err
	}
	var more []string
	if err := json.Unmarshal(content, &more); err != nil {
		return err
	}
	p.box.Argv = append(p.box.Argv, more...)
	for i, word := range p.box.Argv[1:] {
		if len(word) <= common.MaxEnvVarLen {
			continue
		}
		moved := fmt.Sprintf("/tmp/argo_arg_%d.txt", i)
		if err := os.MkdirAll(filepath.Join(p.box.Root, "tmp"), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(p.box.hostPath(moved), []byte(word), 0o644); err != nil {
			return err
		}
		p.box.Argv[i+1] = "@" + moved
	}
	return nil
}

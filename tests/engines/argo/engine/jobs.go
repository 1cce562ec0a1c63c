package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v4/util/logging"
	"github.com/argoproj/argo-workflows/v4/workflow/packer"
	apiv1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// job is one workflow to run; the file of jobs is a list of them.
type job struct {
	Name     string            `json:"name"`
	Dir      string            `json:"dir"`
	Workflow string            `json:"workflow"`
	Params   map[string]any    `json:"params"`
	Secrets  map[string]string `json:"secrets"`
	Work     string            `json:"work"`
	Images   map[string]string `json:"images"` // a folder for the name of an image; others are the machine itself
	Event    string            `json:"event"`  // its discriminator, which submits the workflow in place of a user; empty for none
	Again    bool              `json:"again"`  // the workflow runs a second time, with the same parameters
	Limit    float64           `json:"limit"`  // seconds that it may take; 0: a default
	// What people supply: outputs by the path of a step, for one attempt after the other; null: the node is set to Failed.
	Supplied map[string][]map[string]string `json:"supplied"`
}

// outcome is what became of a job; the file of results is a list of them in the order of the jobs.
type outcome struct {
	Name   string            `json:"name"`
	State  string            `json:"state"`
	Result json.RawMessage   `json:"result"`
	Nodes  map[string]string `json:"nodes"`
	Again  []string          `json:"again"` // the calls whose containers the second run has started
	Log    string            `json:"log"`
}

const (
	jobsAtOnce = 4
	jobLimit   = 120 * time.Second
)

func kebab(name string) string { return strings.ReplaceAll(name, "_", "-") }

// resourceOf is the inverse of resources.
func resourceOf(kind string) string {
	for resource, k := range resources {
		if k == kind {
			return resource
		}
	}
	return ""
}

// apply stores the documents of all YAML files of a folder. Schedules are left out: nothing here may start by the clock.
func apply(s *store, namespace, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for i, document := range strings.Split("\n"+string(content), "\n---\n") {
			var o object
			if err := yaml.UnmarshalStrict([]byte(document), &o); err != nil {
				return fmt.Errorf("%s: document %d: %w", file, i+1, err)
			}
			if o == nil {
				continue
			}
			kind := text(o, "kind")
			resource := resourceOf(kind)
			if resource == "" {
				return fmt.Errorf("%s: document %d: unknown kind %q", file, i+1, kind)
			}
			if kind == "CronWorkflow" {
				continue
			}
			if _, err := s.create(resource, namespace, clone(o)); err != nil {
				return fmt.Errorf("%s: document %d: %w", file, i+1, err)
			}
		}
	}
	return nil
}

// argument gives a parameter's text: strings as they are, other values as JSON.
func argument(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// install stores what the job's workflow needs before it is submitted.
func (j *job) install(s *store, namespace string) error {
	for name, value := range j.Secrets {
		o := object{"kind": "Secret", "apiVersion": "v1", "metadata": object{"name": kebab(name)},
			"data": object{"value": base64.StdEncoding.EncodeToString([]byte(value))}}
		if _, err := s.create("secrets", namespace, o); err != nil {
			return err
		}
	}
	return apply(s, namespace, j.Dir)
}

// uploads gives the parameters of a template that are keys in the artifact store: those under which an input artifact is fetched.
func uploads(s *store, namespace, template string) map[string]bool {
	keys := map[string]bool{}
	o, err := s.get("workflowtemplates", namespace, template)
	if err != nil {
		return keys
	}
	var wt wfv1.WorkflowTemplate
	if err := convert(o, &wt); err != nil {
		panic(err)
	}
	for _, t := range wt.Spec.Templates {
		for _, a := range t.Inputs.Artifacts {
			if a.S3 != nil && strings.HasPrefix(a.S3.Key, "{{workflow.parameters.") {
				keys[strings.TrimSuffix(strings.TrimPrefix(a.S3.Key, "{{workflow.parameters."), "}}")] = true
			}
		}
	}
	return keys
}

// upload puts a file or folder of this machine into the artifact store and gives its key.
func (j *job) upload(name, path string) (string, error) {
	key := "params/" + name + "/" + filepath.Base(path)
	to, err := bucket(filepath.Join(j.Work, "store")).path(key)
	if err != nil {
		return "", err
	}
	return key, copyTo(path, to)
}

// submit creates the Workflow of a name, as `argo submit --from workflowtemplate/NAME -p ...` does.
func (j *job) submit(s *store, namespace, run string) error {
	params := []any{}
	keys := uploads(s, namespace, kebab(j.Workflow))
	for name, v := range j.Params {
		value, err := argument(v)
		if err == nil && keys[name] && v != nil {
			value, err = j.upload(name, value)
		}
		if err != nil {
			return err
		}
		params = append(params, object{"name": name, "value": value})
	}
	_, err := s.create("workflows", namespace, object{"kind": "Workflow", "apiVersion": "argoproj.io/v1alpha1",
		"metadata": object{"name": run}, "spec": object{
			"workflowTemplateRef": object{"name": kebab(j.Workflow)}, "arguments": object{"parameters": params}}})
	return err
}

// await gives the Workflow of a name when it has ended, or as it is when that takes too long or `seen`, called for each change, has an
// error.
func await(s *store, namespace, run string, limit time.Duration, seen func(*wfv1.Workflow) error) (*wfv1.Workflow, bool, error) {
	end := time.Now().Add(limit)
	stop := time.AfterFunc(limit+time.Millisecond, s.wake)
	defer stop.Stop()
	for {
		at := s.now()
		o, err := s.get("workflows", namespace, run)
		if err == nil && labelsOf(o)["workflows.argoproj.io/completed"] == "true" {
			return decode(o), true, nil
		}
		if !time.Now().Before(end) {
			return decode(o), false, nil
		}
		if seen != nil {
			if err := seen(decode(o)); err != nil {
				return decode(o), false, err
			}
		}
		s.wait("workflows", at, func() bool { return !time.Now().Before(end) })
	}
}

func decode(o object) *wfv1.Workflow {
	var wf wfv1.Workflow
	if err := convert(o, &wf); err != nil {
		panic(err)
	}
	if err := packer.DecompressWorkflow(logging.WithLogger(context.Background(), logging.NewSlogLogger(logging.Error, logging.Text)), &wf); err != nil {
		panic(err)
	}
	return &wf
}

// path gives the path of a call of a step, which the emitted template puts into the variable WF_STEP of its container. What is
// computed has its path in WF_NODE and counts only when the computation itself has failed, which is exit code 2; the value of a
// workflow is of no node.
func path(pod *apiv1.Pod, node *wfv1.NodeStatus) string {
	for _, c := range pod.Spec.Containers {
		for _, e := range c.Env {
			failed := node.Outputs != nil && node.Outputs.ExitCode != nil && *node.Outputs.ExitCode == "2" && node.DisplayName != "workflow--value"
			if c.Name == "main" && (e.Name == "WF_STEP" || (e.Name == "WF_NODE" && failed)) {
				return e.Value
			}
		}
	}
	return ""
}

// calls gives the state of each call of a step: it has succeeded when one of its attempts has.
func calls(s *store, namespace string, wf *wfv1.Workflow) map[string]string {
	found, _ := s.list("pods", func(o object) bool { return text(metaOf(o), "namespace") == namespace })
	states := map[string]string{}
	for _, o := range found {
		var pod apiv1.Pod
		if err := convert(o, &pod); err != nil {
			panic(err)
		}
		node, err := wf.Status.Nodes.Get(pod.Annotations["workflows.argoproj.io/node-id"])
		if err != nil {
			continue
		}
		name := path(&pod, node)
		if name == "" {
			continue
		}
		if node.Phase == wfv1.NodeSucceeded {
			states[name] = "succeeded"
		} else if states[name] == "" {
			states[name] = "failed"
		}
	}
	return states
}

// narrate tells people what happened: each node, and what the pods that failed have printed.
func narrate(wf *wfv1.Workflow, work string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s\n", wf.Status.Phase, wf.Status.Message)
	nodes := []wfv1.NodeStatus{}
	for _, n := range wf.Status.Nodes {
		nodes = append(nodes, n)
	}
	sort.Slice(nodes, func(i, j int) bool { return nodes[i].Name < nodes[j].Name })
	for _, n := range nodes {
		fmt.Fprintf(&out, "%s %s %s %s\n", n.Name, n.Type, n.Phase, n.Message)
		if n.Type != wfv1.NodeTypePod || n.Phase == wfv1.NodeSucceeded {
			continue
		}
		logs, _ := filepath.Glob(filepath.Join(work, "pods", "*"+n.ID[strings.LastIndexByte(n.ID, '-')+1:], "log"))
		for _, log := range logs {
			content, _ := os.ReadFile(log)
			lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
			for _, line := range lines[max(0, len(lines)-20):] {
				fmt.Fprintf(&out, "    %s\n", line)
			}
		}
	}
	return out.String()
}

// value gives the output parameter `result` of the workflow's entry point, which holds JSON.
func value(wf *wfv1.Workflow) json.RawMessage {
	node, err := wf.Status.Nodes.Get(wf.Name)
	if err != nil || node.Outputs == nil || node.Phase != wfv1.NodeSucceeded {
		return nil
	}
	for _, p := range node.Outputs.Parameters {
		if p.Name == "result" && p.Value != nil {
			return json.RawMessage(p.Value.String())
		}
	}
	return nil
}

// start submits the workflow, by the job's event or as a user does, and gives the name of the run.
func (j *job) start(s *store, namespace, host, run string) (string, error) {
	if j.Event != "" {
		return dispatchEvent(s, namespace, host, j.Event)
	}
	return run, j.submit(s, namespace, run)
}

// once runs the workflow from its start to its end.
func (j *job) once(s *store, namespace, host, run string) outcome {
	o := outcome{Name: j.Name, State: "failed", Nodes: map[string]string{}}
	run, err := j.start(s, namespace, host, run)
	if err != nil {
		o.Log = err.Error()
		return o
	}
	limit := jobLimit
	if j.Limit > 0 {
		limit = time.Duration(j.Limit * float64(time.Second))
	}
	var seen func(*wfv1.Workflow) error
	if j.Supplied != nil {
		p, err := newPeople(host, namespace, j.Supplied)
		if err != nil {
			o.Log = err.Error()
			return o
		}
		seen = p.answer
	}
	wf, ended, err := await(s, namespace, run, limit, seen)
	o.Nodes = calls(s, namespace, wf)
	o.Log = narrate(wf, j.Work)
	if err != nil {
		o.Log = err.Error() + "\n" + o.Log
	} else if !ended {
		o.Log = fmt.Sprintf("not ended after %s\n", limit) + o.Log
	} else if wf.Status.Phase == wfv1.WorkflowSucceeded {
		o.State = "succeeded"
		o.Result = value(wf)
		if o.Result != nil && !json.Valid(o.Result) {
			o.State, o.Log = "failed", fmt.Sprintf("the result is not JSON: %s\n", o.Result)+o.Log
			o.Result = nil
		}
	}
	return o
}

func (j *job) run(s *store, namespace, host string) outcome {
	o := j.once(s, namespace, host, "parity")
	if !j.Again || o.State != "succeeded" {
		return o
	}
	second := j.once(s, namespace, host, "parity-again")
	o.Again, o.State, o.Log = slices.Sorted(maps.Keys(second.Nodes)), second.State, o.Log+"again:\n"+second.Log
	if !bytes.Equal(o.Result, second.Result) {
		o.State, o.Log = "failed", fmt.Sprintf("the second value is %s\n", second.Result)+o.Log
	}
	return o
}

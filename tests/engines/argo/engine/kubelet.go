package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v4/workflow/common"
	apiv1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kubelet runs the containers of every pod that appears in the store as processes of this machine, does itself what the init and wait
// containers of argoexec would do, and tells the store what the controller would learn from them.
type kubelet struct {
	store *store
	job   func(namespace string) *job // whose folder Work has pods/ and store/
	slots chan struct{}

	mu      sync.Mutex
	running map[string]int // process group by namespace/pod
}

const (
	podsAtOnce = 8
	grace      = 2 * time.Second // between asking a process to end and ending it
)

func newKubelet(s *store, job func(string) *job) *kubelet {
	return &kubelet{store: s, job: job, slots: make(chan struct{}, podsAtOnce), running: map[string]int{}}
}

func (k *kubelet) run() {
	for at := int64(0); ; {
		events, upTo, _ := k.store.wait("pods", at, func() bool { return false })
		for _, e := range events {
			namespace, name := text(metaOf(e.obj), "namespace"), text(metaOf(e.obj), "name")
			switch e.kind {
			case "ADDED":
				go k.pod(e.obj)
			case "DELETED":
				k.end(namespace, name)
			}
		}
		at = upTo
	}
}

// end asks the process of a pod to end, and ends it when it does not.
func (k *kubelet) end(namespace, name string) {
	k.mu.Lock()
	group, ok := k.running[keyOf(namespace, name)]
	k.mu.Unlock()
	if !ok {
		return
	}
	_ = syscall.Kill(-group, syscall.SIGTERM)
	time.AfterFunc(grace, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.running[keyOf(namespace, name)] == group {
			_ = syscall.Kill(-group, syscall.SIGKILL)
		}
	})
}

// ending is how the containers of a pod ended.
type ending struct {
	main, wait   int    // exit codes
	init         string // why the pod could not start
	waitMessage  string
	deadline     bool
	outputs      *wfv1.Outputs
	started, end metav1.Time
}

func (k *kubelet) pod(o object) {
	k.slots <- struct{}{}
	defer func() { <-k.slots }()
	var pod apiv1.Pod
	if err := convert(o, &pod); err != nil {
		panic(err)
	}
	e := ending{started: metav1.Now(), wait: 0}
	k.status(&pod, object{"phase": "Running", "startTime": e.started})
	p, err := k.prepare(&pod)
	if err != nil {
		e.init = err.Error()
	} else {
		k.execute(p, &e)
	}
	e.end = metav1.Now()
	k.report(&pod, &e)
}

func convert(from, to any) error {
	b, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}

func (k *kubelet) status(pod *apiv1.Pod, status object) {
	_, _ = k.store.replace("pods", pod.Namespace, pod.Name, func(o object) (object, error) { // not there: it was deleted
		b, err := json.Marshal(status)
		if err != nil {
			return nil, err
		}
		var plain object
		if err := json.Unmarshal(b, &plain); err != nil {
			return nil, err
		}
		o["status"] = plain
		return o, nil
	})
}

// execute runs the process, to its end or the pod's deadline, and collects what it left.
func (k *kubelet) execute(p *prepared, e *ending) {
	for i := range p.before {
		if err := p.before[i].runToEnd(); err != nil {
			e.init = err.Error()
			return
		}
	}
	cmd, err := p.box.command()
	if err != nil {
		e.init = err.Error()
		return
	}
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		e.init = err.Error()
		return
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	var stdout strings.Builder
	if p.wantsResult {
		cmd.Stdout = &tee{log, &stdout}
	}
	if err := cmd.Start(); err != nil {
		e.init = err.Error()
		return
	}
	key := keyOf(p.pod.Namespace, p.pod.Name)
	k.mu.Lock()
	k.running[key] = cmd.Process.Pid
	k.mu.Unlock()
	if limit := p.pod.Spec.ActiveDeadlineSeconds; limit != nil {
		timer := time.AfterFunc(time.Until(e.started.Add(time.Duration(*limit)*time.Second)), func() {
			e.deadline = true
			k.end(p.pod.Namespace, p.pod.Name)
		})
		defer timer.Stop()
	}
	e.main = exitCode(cmd.Wait())
	k.mu.Lock()
	delete(k.running, key)
	k.mu.Unlock()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left running ends with its container
	if e.deadline {
		e.main, e.wait = 137, 137
		return
	}
	if err := p.collect(stdout.String(), e); err != nil {
		e.wait, e.waitMessage = 64, err.Error()
	}
}

// tee writes to both; a process that prints a lot must not wait for more than a file.
type tee struct {
	log  *os.File
	text *strings.Builder
}

func (t *tee) Write(b []byte) (int, error) {
	t.text.Write(b)
	return t.log.Write(b)
}

// exitCode is what the emissary makes of the end of its process.
func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	}
	return 137
}

// collect does the work of the wait container: output parameters, the result and artifacts.
func (p *prepared) collect(stdout string, e *ending) error {
	e.outputs = p.template.Outputs.DeepCopy()
	var failed []string
	if p.wantsResult {
		const most = 256 << 10
		result := strings.TrimSuffix(stdout, "\n")
		result = result[max(0, len(result)-most):]
		e.outputs.Result = &result
	}
	for i := range e.outputs.Parameters {
		param := &e.outputs.Parameters[i]
		if param.ValueFrom == nil || param.ValueFrom.Path == "" {
			continue
		}
		content, err := os.ReadFile(p.box.hostPath(param.ValueFrom.Path))
		if err == nil {
			param.Value = wfv1.AnyStringPtr(strings.TrimSuffix(string(content), "\n"))
		} else if param.ValueFrom.Default != nil {
			param.Value = param.ValueFrom.Default
		} else {
			failed = append(failed, fmt.Sprintf("open %s: no such file or directory", param.ValueFrom.Path))
			break // as the executor does
		}
	}
	saved := wfv1.Artifacts{}
	for _, a := range e.outputs.Artifacts {
		from := p.box.hostPath(a.Path)
		if _, err := os.Stat(from); err != nil {
			if !a.Optional {
				failed = append(failed, fmt.Sprintf("%s no such file or directory", a.Path))
			}
			continue
		}
		if err := p.bucket.save(&a, p.template.ArchiveLocation, from); err != nil {
			failed = append(failed, err.Error())
			continue
		}
		saved = append(saved, a)
	}
	e.outputs.Artifacts = saved
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, "; "))
	}
	return nil
}

func terminated(name string, code int, message string, e *ending) apiv1.ContainerStatus {
	t := &apiv1.ContainerStateTerminated{ExitCode: int32(code), Reason: "Completed", Message: message, StartedAt: e.started, FinishedAt: e.end}
	if code != 0 {
		t.Reason = "Error"
	}
	return apiv1.ContainerStatus{Name: name, State: apiv1.ContainerState{Terminated: t}}
}

// report writes the task result and then the end of the pod, the order in which they happen in a cluster.
func (k *kubelet) report(pod *apiv1.Pod, e *ending) {
	node := pod.Annotations[common.AnnotationKeyNodeID]
	status := apiv1.PodStatus{Phase: apiv1.PodSucceeded, StartTime: &e.started}
	if e.init != "" {
		status.Phase = apiv1.PodFailed
		status.InitContainerStatuses = []apiv1.ContainerStatus{terminated(common.InitContainerName, 64, e.init, e)}
	} else {
		status.ContainerStatuses = []apiv1.ContainerStatus{
			terminated(common.MainContainerName, e.main, "", e), terminated(common.WaitContainerName, e.wait, e.waitMessage, e)}
	}
	if e.main != 0 || e.wait != 0 {
		status.Phase = apiv1.PodFailed
	}
	if e.deadline {
		status.Reason, status.Message = "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"
	}
	result := wfv1.WorkflowTaskResult{NodeResult: wfv1.NodeResult{Outputs: e.outputs}}
	result.Kind, result.APIVersion, result.Name = "WorkflowTaskResult", "argoproj.io/v1alpha1", node
	result.Labels = map[string]string{common.LabelKeyWorkflow: pod.Labels[common.LabelKeyWorkflow],
		common.LabelKeyReportOutputsCompleted: "true"}
	var stored object
	if err := convert(result, &stored); err != nil {
		panic(err)
	}
	if _, err := k.store.create("workflowtaskresults", pod.Namespace, stored); err != nil {
		fmt.Fprintln(os.Stderr, "task result:", err)
	}
	var ended object
	if err := convert(status, &ended); err != nil {
		panic(err)
	}
	k.status(pod, ended)
}

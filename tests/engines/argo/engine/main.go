// The program engine runs workflows on the unmodified controller of Argo Workflows, against an API server in memory and with
// processes of this machine in place of pods: `engine JOBS RESULTS`. It needs root, for mount namespaces.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	wfclientset "github.com/argoproj/argo-workflows/v4/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-workflows/v4/util/logging"
	"github.com/argoproj/argo-workflows/v4/workflow/controller"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Settings of the controller that are read when its packages are initialised: it is made for clusters, where seconds do not count.
var settings = map[string]string{
	"DEFAULT_REQUEUE_TIME":              "20ms",
	"SEMAPHORE_NOTIFY_DELAY":            "10ms",
	"POD_NAMES":                         "v2",
	"ARGO_PROGRESS_PATCH_TICK_DURATION": "0",
	"SKIP_WORKFLOW_DURATION_ESTIMATION": "true",
	"INFORMER_WRITE_BACK":               "true", // without it the controller sleeps a second after every change
}

const (
	system     = "argo"
	configName = "workflow-controller-configmap"
)

const controllerConfig = `
bucket: store
endpoint: store.invalid
keyFormat: "{{workflow.name}}/{{pod.name}}"
`

func namespaceOf(index int) string { return "job-" + strconv.Itoa(index) }

func main() {
	if len(os.Args) == 3 && os.Args[1] == "container" {
		becomeContainer(os.Args[2])
	}
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: engine JOBS RESULTS")
		os.Exit(2)
	}
	if os.Getenv("DEFAULT_REQUEUE_TIME") != settings["DEFAULT_REQUEUE_TIME"] {
		for name, value := range settings {
			os.Setenv(name, value)
		}
		fmt.Fprintln(os.Stderr, "engine:", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
		os.Exit(1)
	}
	if err := work(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

func work(jobsFile, resultsFile string) error {
	content, err := os.ReadFile(jobsFile)
	if err != nil {
		return err
	}
	var jobs []job
	if err := json.Unmarshal(content, &jobs); err != nil {
		return fmt.Errorf("%s: %w", jobsFile, err)
	}
	for i := range jobs {
		if jobs[i].Work, err = filepath.Abs(jobs[i].Work); err != nil {
			return err
		}
	}
	s := newStore()
	failed := make([]error, len(jobs))
	for i := range jobs { // before the controller starts, so that it knows all templates when the first workflow comes
		failed[i] = jobs[i].install(s, namespaceOf(i))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	host, err := start(ctx, s, jobs)
	if err != nil {
		return err
	}
	results := make([]outcome, len(jobs))
	var all sync.WaitGroup
	slots := make(chan struct{}, jobsAtOnce)
	for i := range jobs {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if failed[i] != nil {
				results[i] = outcome{Name: jobs[i].Name, State: "failed", Nodes: map[string]string{}, Log: failed[i].Error()}
				return
			}
			results[i] = jobs[i].run(s, namespaceOf(i), host)
		})
	}
	all.Wait()
	out, err := json.MarshalIndent(results, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(resultsFile, append(out, '\n'), 0o644)
}

// start brings up the API server, the kubelet and the controller, and gives the server's address.
func start(ctx context.Context, s *store, jobs []job) (string, error) {
	repository := strings.ReplaceAll(controllerConfig[1:], "\n", "\n  ")
	_, err := s.create("configmaps", system, object{"kind": "ConfigMap", "apiVersion": "v1", "metadata": object{"name": configName},
		"data": object{"artifactRepository": "s3:\n  " + repository, "resourceRateLimit": "limit: 1000\nburst: 1000\n",
			"metricsConfig": "enabled: false\n", "telemetryConfig": "enabled: false\n"}})
	if err != nil {
		return "", err
	}
	k := newKubelet(s, func(namespace string) string {
		index, err := strconv.Atoi(strings.TrimPrefix(namespace, "job-"))
		if err != nil {
			panic(err)
		}
		return jobs[index].Work
	})
	go k.run()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(listener, &api{store: s, signal: k.end}) }()
	host := "http://" + listener.Addr().String()
	return host, startController(ctx, host)
}

func startController(ctx context.Context, host string) error {
	level := logging.Error
	if os.Getenv("ENGINE_DEBUG") != "" {
		level = logging.Debug
	}
	ctx = logging.WithLogger(ctx, logging.NewSlogLogger(level, logging.Text))
	config := &rest.Config{Host: host, QPS: 10000, Burst: 10000, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	argo, err := wfclientset.NewForConfig(config)
	if err != nil {
		return err
	}
	c, err := controller.NewWorkflowController(ctx, config, kube, argo, system, "", "argoexec", "", "text", configName, false)
	if err != nil {
		return err
	}
	go c.Run(ctx, 4, 1, 2, 1, 1)
	return nil
}

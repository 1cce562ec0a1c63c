// The program lint checks emitted files by Argo Workflows' own validation and by what that leaves out: documents that its parser
// drops, and the syntax of every expression. It prints `file: document N: fault` lines and exits with 1 when there are some.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v4/util/logging"
	"github.com/argoproj/argo-workflows/v4/workflow/common"
	"github.com/argoproj/argo-workflows/v4/workflow/validate"
	"sigs.k8s.io/yaml"
)

type templates map[string]*wfv1.WorkflowTemplate

func (t templates) Get(_ context.Context, name string) (*wfv1.WorkflowTemplate, error) {
	if found, ok := t[name]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("workflow template %s not found", name)
}

type clusterTemplates map[string]*wfv1.ClusterWorkflowTemplate

func (t clusterTemplates) Get(_ context.Context, name string) (*wfv1.ClusterWorkflowTemplate, error) {
	if found, ok := t[name]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("cluster workflow template %s not found", name)
}

// document is one of a file, as Argo's parser sees it and as plain JSON.
type document struct {
	file   string
	number int
	object any            // nil: not one of Argo's kinds, or not parsed
	plain  map[string]any // nil: an empty document
	faults []string
}

func (d *document) ofArgo() bool {
	version, _ := d.plain["apiVersion"].(string)
	return strings.HasPrefix(version, "argoproj.io/")
}

type linter struct {
	ctx       context.Context
	documents []*document
	local     templates
	cluster   clusterTemplates
}

func (l *linter) read(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for i, part := range strings.Split("\n"+string(content), "\n---\n") {
		d := &document{file: file, number: i + 1}
		if err := yaml.UnmarshalStrict([]byte(part), &d.plain); err != nil {
			d.faults = append(d.faults, err.Error())
		}
		l.parse(d, part)
		l.documents = append(l.documents, d)
	}
	return nil
}

// parse notes what Argo's own parser says: it must see exactly one object where there is one of its kinds.
func (l *linter) parse(d *document, part string) {
	if !d.ofArgo() {
		return
	}
	parsed := common.ParseObjects(l.ctx, []byte(part), true)
	if len(parsed) != 1 {
		d.faults = append(d.faults, fmt.Sprintf("the parser sees %d objects", len(parsed)))
		return
	}
	if parsed[0].Err != nil {
		d.faults = append(d.faults, parsed[0].Err.Error())
		return
	}
	d.object = parsed[0].Object
	switch o := d.object.(type) {
	case *wfv1.WorkflowTemplate:
		l.local[o.Name] = o
	case *wfv1.ClusterWorkflowTemplate:
		l.cluster[o.Name] = o
	}
}

func (l *linter) validate(d *document) {
	lint := validate.ValidateOpts{Lint: true}
	var err error
	switch o := d.object.(type) {
	case *wfv1.Workflow:
		err = validate.ValidateWorkflow(l.ctx, l.local, l.cluster, o, nil, lint)
	case *wfv1.WorkflowTemplate:
		err = validate.ValidateWorkflowTemplate(l.ctx, l.local, l.cluster, o, nil, lint)
	case *wfv1.ClusterWorkflowTemplate:
		err = validate.ValidateClusterWorkflowTemplate(l.ctx, l.local, l.cluster, o, nil, lint)
	case *wfv1.CronWorkflow:
		err = validate.ValidateCronWorkflow(l.ctx, l.local, l.cluster, o, nil)
	}
	if err != nil {
		d.faults = append(d.faults, err.Error())
	}
	if d.ofArgo() {
		d.faults = append(d.faults, expressions("", d.plain)...)
	}
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: lint FILE...")
		os.Exit(2)
	}
	ctx := logging.WithLogger(context.Background(), logging.NewSlogLogger(logging.Error, logging.Text))
	l := &linter{ctx: ctx, local: templates{}, cluster: clusterTemplates{}}
	for _, file := range os.Args[1:] {
		if err := l.read(file); err != nil {
			fmt.Fprintln(os.Stderr, "lint:", err)
			os.Exit(2)
		}
	}
	faults := 0
	for _, d := range l.documents {
		l.validate(d)
		for _, fault := range d.faults {
			fmt.Printf("%s: document %d: %s\n", d.file, d.number, fault)
			faults++
		}
	}
	if faults > 0 {
		os.Exit(1)
	}
}

package main

import (
	"context"
	"fmt"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	wfclientset "github.com/argoproj/argo-workflows/v4/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-workflows/v4/util/logging"
	hydrator "github.com/argoproj/argo-workflows/v4/workflow/hydrator/fake"
	"github.com/argoproj/argo-workflows/v4/workflow/util"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/rest"
)

// people answers what the suspended nodes of a job ask, as a user of `argo node set` and `argo resume` does.
type people struct {
	client    wfclientset.Interface
	namespace string
	left      map[string][]map[string]string // outputs by the path of a step, for one attempt after the other; nil: it is let fail
	done      map[string]bool                // by node
}

func newPeople(host, namespace string, supplied map[string][]map[string]string) (*people, error) {
	client, err := wfclientset.NewForConfig(&rest.Config{Host: host})
	p := &people{client: client, namespace: namespace, left: map[string][]map[string]string{}, done: map[string]bool{}}
	for path, answers := range supplied {
		p.left[path] = answers
	}
	return p, err
}

// pathOf gives the path of the step for which a node is suspended.
func pathOf(node *wfv1.NodeStatus) (string, bool) {
	if !node.IsActiveSuspendNode() || node.Inputs == nil {
		return "", false
	}
	p := node.Inputs.GetParameterByName("_node")
	if p == nil || p.Value == nil {
		return "", false
	}
	return p.Value.String(), true
}

// answer answers each node that is suspended now and has not been answered.
func (p *people) answer(wf *wfv1.Workflow) error {
	ctx := logging.WithLogger(context.Background(), logging.NewSlogLogger(logging.Error, logging.Text))
	workflows := p.client.ArgoprojV1alpha1().Workflows(p.namespace)
	for _, node := range wf.Status.Nodes {
		path, ok := pathOf(&node)
		if !ok || p.done[node.ID] || len(p.left[path]) == 0 {
			continue
		}
		p.done[node.ID] = true
		outputs := p.left[path][0]
		p.left[path] = p.left[path][1:]
		values := util.SetOperationValues{OutputParameters: outputs}
		if outputs == nil {
			values = util.SetOperationValues{Phase: wfv1.NodeFailed}
		}
		selector := "inputs.parameters._node.value=" + fields.EscapeValue(path)
		if len(outputs) > 0 || outputs == nil {
			if err := util.SetWorkflow(ctx, workflows, hydrator.Noop, wf.Name, selector, values); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		if outputs == nil {
			continue
		}
		if err := util.ResumeWorkflow(ctx, workflows, hydrator.Noop, wf.Name, selector); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

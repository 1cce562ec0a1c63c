package main

import (
	"context"
	"fmt"
	"time"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	wfclientset "github.com/argoproj/argo-workflows/v4/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-workflows/v4/util/logging"
	hydrator "github.com/argoproj/argo-workflows/v4/workflow/hydrator/fake"
	"github.com/argoproj/argo-workflows/v4/workflow/util"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// A person answers when nothing else moves: what is set while the controller works on the run may be lost, as it then writes what it has
// computed from an older state.
const stillness = 1500 * time.Millisecond

// awaitStillness gives the run once it has not changed for that time.
func (p *people) awaitStillness(ctx context.Context, run string) (*wfv1.Workflow, error) {
	version, since := "", time.Now()
	for {
		wf, err := p.client.ArgoprojV1alpha1().Workflows(p.namespace).Get(ctx, run, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		if wf.ResourceVersion != version {
			version, since = wf.ResourceVersion, time.Now()
		} else if time.Since(since) >= stillness {
			return wf, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

type reply struct {
	node     string // its id
	selector string
	outputs  map[string]string
}

// answer answers all nodes that are suspended now and have not been answered.
func (p *people) answer(wf *wfv1.Workflow) error {
	var replies []reply
	for _, node := range wf.Status.Nodes {
		path, ok := pathOf(&node)
		if !ok || p.done[node.ID] || len(p.left[path]) == 0 {
			continue
		}
		p.done[node.ID] = true
		replies = append(replies, reply{node.ID, "inputs.parameters._node.value=" + fields.EscapeValue(path), p.left[path][0]})
		p.left[path] = p.left[path][1:]
	}
	ctx := logging.WithLogger(context.Background(), logging.NewSlogLogger(logging.Error, logging.Text))
	for _, r := range replies {
		if err := p.reply(ctx, wf.Name, r); err != nil {
			return fmt.Errorf("%s: %w", r.selector, err)
		}
	}
	return nil
}

func (p *people) reply(ctx context.Context, run string, r reply) error {
	workflows := p.client.ArgoprojV1alpha1().Workflows(p.namespace)
	if r.outputs == nil {
		return util.SetWorkflow(ctx, workflows, hydrator.Noop, run, r.selector, util.SetOperationValues{Phase: wfv1.NodeFailed})
	}
	if _, err := p.awaitStillness(ctx, run); err != nil {
		return err
	}
	for len(r.outputs) > 0 {
		if err := util.SetWorkflow(ctx, workflows, hydrator.Noop, run, r.selector, util.SetOperationValues{OutputParameters: r.outputs}); err != nil {
			return err
		}
		wf, err := p.awaitStillness(ctx, run)
		if err != nil {
			return err
		}
		if isSet(wf.Status.Nodes[r.node], r.outputs) {
			break
		}
	}
	return util.ResumeWorkflow(ctx, workflows, hydrator.Noop, run, r.selector)
}

func isSet(node wfv1.NodeStatus, outputs map[string]string) bool {
	if node.Outputs == nil {
		return false
	}
	for _, p := range node.Outputs.Parameters {
		if _, given := outputs[p.Name]; given && p.Value == nil {
			return false
		}
	}
	return true
}

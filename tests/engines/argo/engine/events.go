package main

import (
	"context"
	"fmt"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	wfclientset "github.com/argoproj/argo-workflows/v4/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-workflows/v4/server/auth"
	"github.com/argoproj/argo-workflows/v4/server/event/dispatch"
	"github.com/argoproj/argo-workflows/v4/util/instanceid"
	"github.com/argoproj/argo-workflows/v4/util/logging"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
)

// dispatchEvent does what Argo's server does with an event that is sent to it, by its own code, and gives the name of the Workflow that
// the event has submitted.
func dispatchEvent(s *store, namespace, host, discriminator string) (string, error) {
	found, _ := s.list("workfloweventbindings", func(o object) bool { return text(metaOf(o), "namespace") == namespace })
	bindings := make([]wfv1.WorkflowEventBinding, len(found))
	for i, o := range found {
		if err := convert(o, &bindings[i]); err != nil {
			return "", err
		}
	}
	client, err := wfclientset.NewForConfig(&rest.Config{Host: host})
	if err != nil {
		return "", err
	}
	ctx := context.WithValue(context.Background(), auth.WfKey, client)
	ctx = logging.WithLogger(ctx, logging.NewSlogLogger(logging.Error, logging.Text))
	payload := wfv1.Item{Value: []byte("{}")}
	operation, err := dispatch.NewOperation(ctx, instanceid.NewService(""), record.NewFakeRecorder(len(bindings)), bindings, namespace,
		discriminator, &payload)
	if err != nil {
		return "", err
	}
	if err := operation.Dispatch(ctx); err != nil {
		return "", err
	}
	submitted, _ := s.list("workflows", func(o object) bool { return text(metaOf(o), "namespace") == namespace })
	if len(submitted) != 1 {
		return "", fmt.Errorf("the event has submitted %d workflows", len(submitted))
	}
	return text(metaOf(submitted[0]), "name"), nil
}

package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// object is one stored resource as JSON. A stored object is never changed in place: every write stores another one, so that
// readers and watchers need no lock.
type object = map[string]any

type event struct {
	version  int64
	kind     string // ADDED, MODIFIED, DELETED
	resource string
	obj      object
}

// store holds the objects of all resources, with versions and a log of changes as an API server keeps them.
type store struct {
	mu      sync.Mutex
	changed *sync.Cond
	objects map[string]map[string]object // resource, then namespace/name
	version int64
	log     []event
	dropped int64 // the version of the newest event that the log has forgotten
}

const keptEvents = 5000

var resources = map[string]string{ // resource: kind
	"pods": "Pod", "configmaps": "ConfigMap", "secrets": "Secret", "namespaces": "Namespace",
	"serviceaccounts": "ServiceAccount", "persistentvolumeclaims": "PersistentVolumeClaim", "events": "Event",
	"poddisruptionbudgets": "PodDisruptionBudget", "leases": "Lease",
	"workflows": "Workflow", "workflowtemplates": "WorkflowTemplate", "clusterworkflowtemplates": "ClusterWorkflowTemplate",
	"cronworkflows": "CronWorkflow", "workflowtaskresults": "WorkflowTaskResult", "workflowtasksets": "WorkflowTaskSet",
	"workflowartifactgctasks": "WorkflowArtifactGCTask", "workfloweventbindings": "WorkflowEventBinding",
}

func newStore() *store {
	s := &store{objects: map[string]map[string]object{}}
	s.changed = sync.NewCond(&s.mu)
	for r := range resources {
		s.objects[r] = map[string]object{}
	}
	return s
}

func metaOf(o object) object {
	m, _ := o["metadata"].(object)
	if m == nil {
		m = object{}
		o["metadata"] = m
	}
	return m
}

func text(m object, key string) string {
	s, _ := m[key].(string)
	return s
}

func labelsOf(o object) labels.Set {
	set := labels.Set{}
	m, _ := metaOf(o)["labels"].(object)
	for k, v := range m {
		set[k], _ = v.(string)
	}
	return set
}

// fieldsOf gives what the controller and its clients select by.
func fieldsOf(o object) fields.Set {
	m := metaOf(o)
	status, _ := o["status"].(object)
	return fields.Set{"metadata.name": text(m, "name"), "metadata.namespace": text(m, "namespace"), "status.phase": text(status, "phase")}
}

func keyOf(namespace, name string) string { return namespace + "/" + name }

func clone(o object) object {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	var c object
	if err := json.Unmarshal(b, &c); err != nil {
		panic(err)
	}
	return c
}

type apiError struct {
	code            int
	reason, message string
}

func (e *apiError) Error() string { return e.message }

func notFound(resource, name string) error {
	return &apiError{404, "NotFound", fmt.Sprintf("%s %q not found", resource, name)}
}

// put stores the object under the next version and tells the watchers; the caller holds the lock.
func (s *store) put(kind, resource string, o object) object {
	s.version++
	m := metaOf(o)
	m["resourceVersion"] = strconv.FormatInt(s.version, 10)
	key := keyOf(text(m, "namespace"), text(m, "name"))
	if kind == "DELETED" {
		delete(s.objects[resource], key)
	} else {
		s.objects[resource][key] = o
	}
	s.log = append(s.log, event{s.version, kind, resource, o})
	if len(s.log) > keptEvents {
		half := len(s.log) / 2
		s.dropped = s.log[half-1].version
		s.log = append([]event(nil), s.log[half:]...)
	}
	s.changed.Broadcast()
	return o
}

func (s *store) create(resource, namespace string, o object) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := metaOf(o)
	if namespace != "" {
		m["namespace"] = namespace
	}
	if text(m, "name") == "" {
		m["name"] = text(m, "generateName") + string(uuid.NewUUID())[:5]
	}
	if _, ok := s.objects[resource][keyOf(namespace, text(m, "name"))]; ok {
		return nil, &apiError{409, "AlreadyExists", fmt.Sprintf("%s %q already exists", resource, text(m, "name"))}
	}
	m["uid"] = string(uuid.NewUUID())
	m["creationTimestamp"] = time.Now().UTC().Format(time.RFC3339)
	m["generation"] = 1
	return s.put("ADDED", resource, o), nil
}

func (s *store) get(resource, namespace, name string) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[resource][keyOf(namespace, name)]
	if !ok {
		return nil, notFound(resource, name)
	}
	return o, nil
}

// replace stores what change makes of a copy of the object. An object that comes back with another resource version than the
// stored one's is a conflict, as for a writer that has seen an old one.
func (s *store) replace(resource, namespace, name string, change func(object) (object, error)) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.objects[resource][keyOf(namespace, name)]
	if !ok {
		return nil, notFound(resource, name)
	}
	o, err := change(clone(old))
	if err != nil {
		return nil, err
	}
	was, is := metaOf(old), metaOf(o)
	if v := text(is, "resourceVersion"); v != "" && v != text(was, "resourceVersion") {
		return nil, &apiError{409, "Conflict", fmt.Sprintf("%s %q has been modified", resource, name)}
	}
	for _, kept := range []string{"uid", "creationTimestamp", "name", "namespace", "generation"} {
		if was[kept] != nil {
			is[kept] = was[kept]
		}
	}
	return s.put("MODIFIED", resource, o), nil
}

func (s *store) remove(resource, namespace, name string) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.objects[resource][keyOf(namespace, name)]
	if !ok {
		return nil, notFound(resource, name)
	}
	return s.put("DELETED", resource, clone(old)), nil
}

// list gives the objects that the filter admits and the version of the whole.
func (s *store) list(resource string, admits func(object) bool) ([]object, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []object{}
	for _, o := range s.objects[resource] {
		if admits(o) {
			found = append(found, o)
		}
	}
	return found, s.version
}

// wait gives the events of a resource after the given version, as soon as there are some, and the version up to which they
// go; it ends with ok false when `done` says so (somebody has to call wake then).
func (s *store) wait(resource string, after int64, done func() bool) (events []event, upTo int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if done() || after < s.dropped {
			return nil, after, false
		}
		at := len(s.log)
		for at > 0 && s.log[at-1].version > after {
			at--
		}
		for _, e := range s.log[at:] {
			if e.resource == resource {
				events = append(events, e)
			}
		}
		after = s.version
		if len(events) > 0 {
			return events, after, true
		}
		s.changed.Wait()
	}
}

// now gives the version up to which everything has happened.
func (s *store) now() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

func (s *store) wake() { s.changed.Broadcast() }

// mergePatch is RFC 7396.
func mergePatch(target, patch object) object {
	for k, v := range patch {
		switch v := v.(type) {
		case nil:
			delete(target, k)
		case object:
			inner, _ := target[k].(object)
			if inner == nil {
				inner = object{}
			}
			target[k] = mergePatch(inner, v)
		default:
			target[k] = v
		}
	}
	return target
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

// api serves a store by the part of the Kubernetes API that the workflow controller uses.
type api struct {
	store *store
	// signal is called for a request to execute something inside a container of a pod, by which the controller ends one.
	signal func(namespace, pod string)
}

// target is what a path names.
type target struct {
	group, version, resource, namespace, name, sub string
}

func parsePath(path string) (target, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var t target
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		t.version, parts = parts[1], parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		t.group, t.version, parts = parts[1], parts[2], parts[3:]
	default:
		return t, false
	}
	if parts[0] == "namespaces" && len(parts) >= 3 {
		t.namespace, parts = parts[1], parts[2:]
	}
	t.resource = parts[0]
	if len(parts) > 1 {
		t.name = parts[1]
	}
	if len(parts) > 2 {
		t.sub = parts[2]
	}
	return t, true
}

func (t target) apiVersion() string {
	if t.group == "" {
		return t.version
	}
	return t.group + "/" + t.version
}

func answer(w http.ResponseWriter, code int, o any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(o)
}

func refuse(w http.ResponseWriter, err error) {
	e, ok := err.(*apiError)
	if !ok {
		e = &apiError{400, "BadRequest", err.Error()}
	}
	answer(w, e.code, object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": e.code, "reason": e.reason, "message": e.message})
}

// selected gives the filter of a request's namespace and selectors.
func selected(r *http.Request, t target) (func(object) bool, error) {
	byLabel, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		return nil, err
	}
	byField, err := fields.ParseSelector(r.URL.Query().Get("fieldSelector"))
	if err != nil {
		return nil, err
	}
	return func(o object) bool {
		return (t.namespace == "" || text(metaOf(o), "namespace") == t.namespace) && byLabel.Matches(labelsOf(o)) &&
			byField.Matches(fieldsOf(o))
	}, nil
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, ok := parsePath(r.URL.Path)
	if strings.HasSuffix(t.resource, "subjectaccessreviews") {
		answer(w, 201, object{"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "status": object{"allowed": true}})
		return
	}
	if t.resource == "pods" && t.sub == "exec" {
		a.signal(t.namespace, t.name)
		refuse(w, &apiError{404, "NotFound", "nothing can be executed inside this pod"})
		return
	}
	if _, known := resources[t.resource]; !ok || !known {
		refuse(w, notFound("path", r.URL.Path))
		return
	}
	if err := a.serve(w, r, t); err != nil {
		refuse(w, err)
	}
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, t target) error {
	switch {
	case r.Method == http.MethodGet && t.name == "" && r.URL.Query().Get("watch") != "":
		return a.watch(w, r, t)
	case r.Method == http.MethodGet && t.name == "":
		return a.list(w, r, t)
	case r.Method == http.MethodDelete && t.name == "":
		return a.deleteAll(w, r, t)
	}
	var o object
	var err error
	code := 200
	switch r.Method {
	case http.MethodGet:
		o, err = a.store.get(t.resource, t.namespace, t.name)
	case http.MethodDelete:
		o, err = a.store.remove(t.resource, t.namespace, t.name)
	case http.MethodPost:
		code = 201
		if o, err = body(r); err == nil {
			o["kind"], o["apiVersion"] = resources[t.resource], t.apiVersion()
			if t.resource == "pods" {
				o["status"] = object{"phase": "Pending"}
			}
			o, err = a.store.create(t.resource, t.namespace, o)
		}
	case http.MethodPut, http.MethodPatch:
		o, err = a.change(r, t)
	default:
		err = &apiError{405, "MethodNotAllowed", r.Method}
	}
	if err == nil {
		answer(w, code, o)
	}
	return err
}

func body(r *http.Request) (object, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err)
	}
	return o, nil
}

func (a *api) change(r *http.Request, t target) (object, error) {
	sent, err := body(r)
	if err != nil {
		return nil, err
	}
	kind := r.Header.Get("Content-Type")
	return a.store.replace(t.resource, t.namespace, t.name, func(old object) (object, error) {
		if r.Method == http.MethodPut {
			sent["kind"], sent["apiVersion"] = old["kind"], old["apiVersion"]
			return sent, nil
		}
		if kind != "application/merge-patch+json" && kind != "application/strategic-merge-patch+json" {
			return nil, &apiError{415, "UnsupportedMediaType", kind}
		}
		return mergePatch(old, sent), nil
	})
}

func (a *api) list(w http.ResponseWriter, r *http.Request, t target) error {
	admits, err := selected(r, t)
	if err != nil {
		return err
	}
	found, version := a.store.list(t.resource, admits)
	answer(w, 200, object{"kind": resources[t.resource] + "List", "apiVersion": t.apiVersion(),
		"metadata": object{"resourceVersion": strconv.FormatInt(version, 10)}, "items": found})
	return nil
}

func (a *api) deleteAll(w http.ResponseWriter, r *http.Request, t target) error {
	admits, err := selected(r, t)
	if err != nil {
		return err
	}
	found, _ := a.store.list(t.resource, admits)
	for _, o := range found {
		m := metaOf(o)
		if _, err := a.store.remove(t.resource, text(m, "namespace"), text(m, "name")); err != nil {
			return err
		}
	}
	answer(w, 200, object{"kind": "Status", "apiVersion": "v1", "status": "Success"})
	return nil
}

// watcher writes the events of one watch request. An object that no longer matches the selectors is told as deleted.
type watcher struct {
	out    *json.Encoder
	flush  func()
	admits func(object) bool
	seen   map[string]bool
}

func (w *watcher) send(kind string, o object) error {
	defer w.flush()
	return w.out.Encode(object{"type": kind, "object": o})
}

func (w *watcher) tell(e event) error {
	key := keyOf(text(metaOf(e.obj), "namespace"), text(metaOf(e.obj), "name"))
	matches := e.kind != "DELETED" && w.admits(e.obj)
	switch {
	case matches && w.seen[key]:
		return w.send("MODIFIED", e.obj)
	case matches:
		w.seen[key] = true
		return w.send("ADDED", e.obj)
	case w.seen[key] || w.admits(e.obj):
		delete(w.seen, key)
		return w.send("DELETED", e.obj)
	}
	return nil
}

func (a *api) watch(rw http.ResponseWriter, r *http.Request, t target) error {
	admits, err := selected(r, t)
	if err != nil {
		return err
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(200)
	w := &watcher{json.NewEncoder(rw), rw.(http.Flusher).Flush, admits, map[string]bool{}}
	w.flush()
	query := r.URL.Query()
	from, err := strconv.ParseInt(query.Get("resourceVersion"), 10, 64)
	initial := query.Get("sendInitialEvents") == "true"
	present, version := a.store.list(t.resource, func(object) bool { return true })
	if initial || err != nil || from == 0 {
		for _, o := range present {
			if err := w.tell(event{version, "ADDED", t.resource, o}); err != nil {
				return nil
			}
		}
		from = version
	} else {
		for _, o := range present { // any of them may be known to the client, and may have matched when it listed them
			w.seen[keyOf(text(metaOf(o), "namespace"), text(metaOf(o), "name"))] = true
		}
	}
	if initial {
		mark := object{"kind": resources[t.resource], "apiVersion": t.apiVersion(), "metadata": object{
			"resourceVersion": strconv.FormatInt(from, 10), "annotations": object{"k8s.io/initial-events-end": "true"}}}
		if err := w.send("BOOKMARK", mark); err != nil {
			return nil
		}
	}
	stop := context.AfterFunc(r.Context(), a.store.wake)
	defer stop()
	for {
		events, upTo, ok := a.store.wait(t.resource, from, func() bool { return r.Context().Err() != nil })
		if !ok {
			if r.Context().Err() == nil {
				_ = w.send("ERROR", object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired"})
			}
			return nil
		}
		for _, e := range events {
			if err := w.tell(e); err != nil {
				return nil
			}
		}
		from = upTo
	}
}

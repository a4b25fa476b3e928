{{/* Names and labels. */}}
{{- define "ecluse.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "ecluse.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "ecluse.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "ecluse.selector" -}}
app.kubernetes.io/name: {{ include "ecluse.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: ingress
{{- end -}}

{{- define "ecluse.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "ecluse.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ecluse.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ecluse.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "ecluse.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "ecluse.electionID" -}}
{{- default (printf "%s-leader" (include "ecluse.fullname" .)) .Values.controller.electionID -}}
{{- end -}}

{{/* What decides the configuration: the same for the generator, for the first
configuration of a pod and for the check before an upgrade. */}}
{{- define "ecluse.renderArgs" -}}
- --dir=/run/ecluse/conf
- --http-port={{ .Values.proxy.httpPort }}
- --https-port={{ .Values.proxy.httpsPort }}
- --status-port={{ .Values.metrics.port }}
- --enable-metrics={{ .Values.metrics.enabled }}
- --ingress-class={{ .Values.ingressClass.name }}
- --controller-class={{ .Values.ingressClass.controller }}
{{- if .Values.ingressClass.byName }}
- --ingress-class-by-name
{{- end }}
{{- if .Values.ingressClass.withoutClass }}
- --watch-ingress-without-class
{{- end }}
{{- with .Values.watch.namespace }}
- --watch-namespace={{ . }}
{{- end }}
{{- with .Values.watch.namespaceSelector }}
- {{ printf "--watch-namespace-selector=%s" . | quote }}
{{- end }}
{{- if .Values.rbac.secretNames }}
- --secrets-by-name
{{- end }}
- --annotations-prefix={{ .Values.controller.annotationsPrefix }}
{{- with .Values.controller.defaultBackendService }}
- --default-backend-service={{ . }}
{{- end }}
{{- with .Values.controller.defaultSSLCertificate }}
- --default-ssl-certificate={{ . }}
{{- end }}
{{- if .Values.controller.disableCatchAll }}
- --disable-catch-all
{{- end }}
{{- if .Values.controller.disableExternalName }}
- --disable-svc-external-name
{{- end }}
{{- if .Values.controller.enableSSLPassthrough }}
- --enable-ssl-passthrough
{{- end }}
{{- if .Values.service.proxyProtocol }}
- --proxy-protocol
{{- end }}
{{- if .Values.proxy.workers }}
- --workers={{ .Values.proxy.workers }}
{{- end }}
{{- end -}}

{{/* What only the running generator is told. */}}
{{- define "ecluse.runArgs" -}}
- --configmap=$(POD_NAMESPACE)/{{ include "ecluse.fullname" . }}
- --master-socket=/run/ecluse/master.sock
- --healthz-port={{ .Values.controller.healthzPort }}
- --election-id={{ include "ecluse.electionID" . }}
- --update-status={{ .Values.controller.updateStatus }}
- --update-status-on-shutdown={{ .Values.controller.updateStatusOnShutdown }}
{{- if .Values.controller.publishStatusAddress }}
- --publish-status-address={{ join "," .Values.controller.publishStatusAddress }}
{{- else if and .Values.controller.publishService .Values.service.enabled }}
- --publish-service=$(POD_NAMESPACE)/{{ include "ecluse.fullname" . }}
{{- end }}
{{- if .Values.controller.reportNodeInternalIP }}
- --report-node-internal-ip-address
{{- end }}
- --shutdown-grace-period={{ .Values.drain.seconds }}
{{- with .Values.controller.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What must be read to make a configuration: outside namespaces, of tenants,
and of our own ConfigMap and Service. */}}
{{- define "ecluse.rulesCluster" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: [list, watch]
{{- if .Values.watch.namespaceSelector }}
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- end }}
{{- end -}}

{{- define "ecluse.rulesObjects" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [configmaps{{ if not .Values.rbac.secretNames }}, secrets{{ end }}]
  verbs: [list, watch]
{{- end -}}

{{/* What does not fit together is refused by name, here and not by what comes of
it. */}}
{{- define "ecluse.refuse" -}}
{{- if and .Values.watch.namespace .Values.watch.namespaceSelector }}
{{- fail "watch.namespace and watch.namespaceSelector: set one of them" }}
{{- end }}
{{- if le (int .Values.terminationGracePeriodSeconds) (int .Values.drain.seconds) }}
{{- fail "terminationGracePeriodSeconds: more than drain.seconds is needed" }}
{{- end }}
{{- if and (eq .Values.dnsPolicy "None") (not .Values.dnsConfig) }}
{{- fail "dnsConfig: needed when dnsPolicy is None" }}
{{- end }}
{{- if and .Values.hostNetwork .Values.hostPort.enabled }}
{{- fail "hostPort.enabled: with hostNetwork the ports are proxy.httpPort and proxy.httpsPort" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (eq .Values.kind "DaemonSet") }}
{{- fail "autoscaling.enabled: a DaemonSet has one pod on each node" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
{{- fail "autoscaling.minReplicas: more than autoscaling.maxReplicas" }}
{{- end }}
{{- end -}}

{{/* Settings, each as a string; a number is whole, and not 1e+06. */}}
{{- define "ecluse.config" -}}
{{- $config := .Values.controller.config }}
{{- if .Values.service.proxyProtocol }}
{{- $config = merge (dict "use-proxy-protocol" "true") $config }}
{{- end }}
{{- range $key, $value := $config }}
{{- if and (kindIs "float64" $value) (eq (floor $value) $value) }}
{{ $key }}: {{ printf "%.0f" $value | quote }}
{{- else }}
{{ $key }}: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Of what is there for the check before an upgrade only. */}}
{{- define "ecluse.validateMeta" }}
  labels:
    {{- include "ecluse.labels" . | replace "component: ingress" "component: validate" | nindent 4 }}
  annotations:
    helm.sh/hook: pre-upgrade,pre-rollback
    helm.sh/hook-weight: "-5"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- define "ecluse.podEnv" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end -}}

{{/* The pod goes on serving while its address is taken out everywhere. */}}
{{- define "ecluse.preStop" -}}
preStop:
  {{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}
  sleep: {seconds: {{ .Values.drain.seconds }}}
  {{- else }}
  exec: {command: [/bin/sleep, {{ .Values.drain.seconds | quote }}]}
  {{- end }}
{{- end -}}

{{/* The pod of the Deployment or the DaemonSet. */}}
{{- define "ecluse.pod" -}}
metadata:
  labels:
    {{- include "ecluse.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "ecluse.serviceAccount" . }}
  # Only the generator talks to the API server: it gets the token below.
  automountServiceAccountToken: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if .Values.hostNetwork }}
  hostNetwork: true
  {{- end }}
  dnsPolicy: {{ default (ternary "ClusterFirstWithHostNet" "ClusterFirst" .Values.hostNetwork) .Values.dnsPolicy }}
  {{- with .Values.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.affinity }}
  affinity:
    {{- toYaml .Values.affinity | nindent 4 }}
  {{- else if eq .Values.kind "Deployment" }}
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                {{- include "ecluse.selector" . | nindent 16 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  initContainers:
    # A configuration to start with: the last good one of this pod, or one
    # that answers 503 until the generator has seen the cluster.
    - name: init
      image: {{ include "ecluse.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [ecluse-ingress, init]
      args:
        {{- include "ecluse.renderArgs" . | nindent 8 }}
        - --configmap=$(POD_NAMESPACE)/{{ include "ecluse.fullname" . }}
      env:
        {{- include "ecluse.podEnv" . | nindent 8 }}
      securityContext:
        {{- toYaml .Values.containerSecurityContext | nindent 8 }}
      resources:
        {{- toYaml .Values.controller.resources | nindent 8 }}
      volumeMounts:
        - {name: run, mountPath: /run/ecluse}
  containers:
    - name: proxy
      image: {{ include "ecluse.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [ecluse, -W, -S, /run/ecluse/master.sock, -f, /run/ecluse/conf/current]
      {{- with .Values.proxy.extraArgs }}
      args:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.proxy.env }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: {{ .Values.proxy.httpPort }}
          {{- if .Values.hostPort.enabled }}
          hostPort: {{ .Values.hostPort.http }}
          {{- end }}
        - name: https
          containerPort: {{ .Values.proxy.httpsPort }}
          {{- if .Values.hostPort.enabled }}
          hostPort: {{ .Values.hostPort.https }}
          {{- end }}
        - name: status
          containerPort: {{ .Values.metrics.port }}
      startupProbe:
        httpGet: {path: /healthz, port: status}
        periodSeconds: 1
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: status}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 5
      lifecycle:
        {{- include "ecluse.preStop" . | nindent 8 }}
      securityContext:
        {{- toYaml .Values.containerSecurityContext | nindent 8 }}
      resources:
        {{- toYaml .Values.proxy.resources | nindent 8 }}
      volumeMounts:
        - {name: run, mountPath: /run/ecluse}
    - name: controller
      image: {{ include "ecluse.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [ecluse-ingress, run]
      args:
        {{- include "ecluse.renderArgs" . | nindent 8 }}
        {{- include "ecluse.runArgs" . | nindent 8 }}
      env:
        {{- include "ecluse.podEnv" . | nindent 8 }}
        {{- with .Values.controller.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: healthz
          containerPort: {{ .Values.controller.healthzPort }}
      livenessProbe:
        httpGet: {path: /healthz, port: healthz}
        initialDelaySeconds: 10
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 5
      readinessProbe:
        httpGet: {path: /readyz, port: healthz}
        periodSeconds: 1
        timeoutSeconds: 2
        failureThreshold: 3
      lifecycle:
        {{- include "ecluse.preStop" . | nindent 8 }}
      securityContext:
        {{- toYaml .Values.containerSecurityContext | nindent 8 }}
      resources:
        {{- toYaml .Values.controller.resources | nindent 8 }}
      volumeMounts:
        - {name: run, mountPath: /run/ecluse}
        - {name: token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
  volumes:
    # In memory: private keys of certificates stand there.
    - name: run
      emptyDir: {medium: Memory}
    {{- include "ecluse.tokenVolume" . | nindent 4 }}
{{- end -}}

{{- define "ecluse.tokenVolume" -}}
- name: token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3607}
      - configMap:
          name: kube-root-ca.crt
          items: [{key: ca.crt, path: ca.crt}]
      - downwardAPI:
          items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]
{{- end -}}

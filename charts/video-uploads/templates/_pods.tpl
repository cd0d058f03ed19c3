{{/*
Templates shared by the pods of both processes. Each takes a dict of root and name ("api" or "operator"); for the operator
of a further region also region, its entry in the values.
*/}}

{{/* The name of a process among the release's resources: `operator-fra1` is the operator of a further region. */}}
{{- define "video-uploads.component" -}}
{{- with .region }}{{ printf "%s-%s" $.name .name }}{{ else }}{{ .name }}{{ end -}}
{{- end -}}

{{- define "video-uploads.homeRegion" -}}
{{- default .Values.settings.storage.S3_REGION .Values.settings.shared.REGION -}}
{{- end -}}

{{/* The further regions, as the processes read them. */}}
{{- define "video-uploads.regionNames" -}}
{{- $names := list -}}
{{- range .Values.regions }}{{ $names = append $names .name }}{{ end -}}
{{- join "," $names -}}
{{- end -}}

{{- define "video-uploads.regionCountries" -}}
{{- $parts := list -}}
{{- with .Values.settings.api.REGION_COUNTRIES }}{{ $parts = append $parts . }}{{ end -}}
{{- range .Values.regions }}{{ if .countries }}{{ $parts = append $parts (printf "%s=%s" .name .countries) }}{{ end }}{{ end -}}
{{- join ", " $parts -}}
{{- end -}}

{{- define "video-uploads.regionsElsewhere" -}}
{{- $names := list -}}
{{- with .Values.settings.api.REGIONS_ELSEWHERE }}{{ $names = append $names . }}{{ end -}}
{{- range .Values.regions }}{{ if eq (toString .operator) "false" }}{{ $names = append $names .name }}{{ end }}{{ end -}}
{{- join "," $names -}}
{{- end -}}

{{/* How the variables of a region begin. Takes its entry. */}}
{{- define "video-uploads.regionPrefix" -}}
{{- printf "REGION_%s_" (.name | upper | replace "-" "_") -}}
{{- end -}}

{{/* What of the release each region's operator runs with: an entry of the values, or nothing for the home region. */}}
{{- define "video-uploads.operators" -}}
{{- $operators := list dict -}}
{{- range .Values.regions }}{{ if ne (toString .operator) "false" }}{{ $operators = append $operators . }}{{ end }}{{ end -}}
{{- toJson $operators -}}
{{- end -}}

{{/* The keys of Secrets that a process sees, and which of them are optional. */}}
{{- define "video-uploads.credentialKeys" -}}
{{- $narrow := .root.Values.credentials.storage.narrowKeys }}
{{- if eq .name "api" }}
database: {keys: [DATABASE_URL]}
storage:
  keys: [S3_ACCESS_KEY, S3_SECRET_KEY]
  {{- if $narrow }}
  narrow: [S3_RAW_WRITER_ACCESS_KEY, S3_RAW_WRITER_SECRET_KEY]
  {{- end }}
  optional:
    {{- if not $narrow }}
    - S3_RAW_WRITER_ACCESS_KEY
    - S3_RAW_WRITER_SECRET_KEY
    {{- end }}
    - S3_PRIVATE_READER_ACCESS_KEY
    - S3_PRIVATE_READER_SECRET_KEY
    - S3_PRIVATE_CDN_KEY
callbacks: {keys: [WEBHOOK_SIGNING_KEYS]}
tokens: {keys: [JWT_SIGNING_KEY]}
playback: {keys: [PLAYBACK_SIGNING_KEYS], optional: [PLAYBACK_VIEWER_KEYS]}
{{- else }}
database: {keys: [DATABASE_URL]}
storage:
  keys: [S3_ACCESS_KEY, S3_SECRET_KEY]
  {{ ternary "narrow" "optional" $narrow }}:
    - S3_RAW_READER_ACCESS_KEY
    - S3_RAW_READER_SECRET_KEY
    - S3_PROCESSED_WRITER_ACCESS_KEY
    - S3_PROCESSED_WRITER_SECRET_KEY
callbacks: {keys: [WEBHOOK_SIGNING_KEYS]}
coconut: {keys: [COCONUT_API_KEY]}
mail: {keys: [SMTP_URL]}
{{- end }}
{{- end -}}

{{/* The leader of each region holds a Lease of its own. */}}
{{- define "video-uploads.leaseOf" -}}
{{- include "video-uploads.lease" .root }}{{ with .region }}-{{ .name }}{{ end -}}
{{- end -}}

{{/* A directory with one file per credential, named like its setting. The kubelet replaces files when a Secret changes. */}}
{{- define "video-uploads.credentialsVolume" -}}
{{- $root := .root -}}
- name: credentials
  projected:
    defaultMode: 0440
    sources:
      {{- $credentials := merge (deepCopy (default dict (default dict .region).credentials)) $root.Values.credentials }}
      {{- range $kind, $wanted := include "video-uploads.credentialKeys" . | fromYaml }}
      {{- with get $credentials $kind }}
      {{- if .existingSecret }}
      - secret:
          name: {{ .existingSecret }}
          items:
            {{- $names := .keys }}
            {{- range concat $wanted.keys (default list $wanted.narrow) }}
            - key: {{ default . (get $names .) }}
              path: {{ . }}
            {{- end }}
      {{- if $wanted.optional }}
      - secret:
          name: {{ .existingSecret }}
          optional: true
          items:
            {{- range $wanted.optional }}
            - key: {{ default . (get $names .) }}
              path: {{ . }}
            {{- end }}
      {{- end }}
      {{- end }}
      {{- end }}
      {{- end }}
      {{- if eq .name "api" }}
      {{- $wanted := get (include "video-uploads.credentialKeys" . | fromYaml) "storage" }}
      {{- range $region := $root.Values.regions }}
      {{- $names := default dict $region.credentials.storage.keys }}
      - secret:
          name: {{ $region.credentials.storage.existingSecret }}
          items:
            {{- range concat $wanted.keys (default list $wanted.narrow) }}
            - key: {{ default . (get $names .) }}
              path: {{ include "video-uploads.regionPrefix" $region }}{{ . }}
            {{- end }}
      - secret:
          name: {{ $region.credentials.storage.existingSecret }}
          optional: true
          items:
            {{- range $wanted.optional }}
            - key: {{ default . (get $names .) }}
              path: {{ include "video-uploads.regionPrefix" $region }}{{ . }}
            {{- end }}
      {{- end }}
      {{- end }}
{{- end -}}

{{/* Settings as variables; empty ones are not set. Helm's numbers are floats, and 5 GiB would become 5.36870912e+09. */}}
{{- define "video-uploads.variables" -}}
{{- range $name, $value := . }}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}
- name: {{ $name }}
  {{- if and (kindIs "float64" $value) (eq (floor $value) $value) }}
  value: {{ int64 $value | quote }}
  {{- else }}
  value: {{ toString $value | quote }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "video-uploads.env" -}}
{{- $root := .root -}}
- name: SECRETS_DIR
  value: /run/secrets/video-uploads
- name: NAMESPACE
  value: {{ include "video-uploads.namespace" $root | quote }}
{{- if eq .name "api" }}
- name: BIND
  value: "0.0.0.0:8000"
{{- else }}
- name: PROBE_HOST
  value: "0.0.0.0"
- name: PROBE_PORT
  value: "8081"
- name: LEASE_NAME
  value: {{ include "video-uploads.leaseOf" . | quote }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}
{{- $region := default dict .region }}
{{- $shared := deepCopy $root.Values.settings.shared }}
{{- $own := merge (deepCopy (default dict $region.settings)) (get $root.Values.settings .name) }}
{{- if eq .name "api" }}
{{- /* What jobs cost is set once, for the operator; the API says by it what a bulk request would cost. */}}
{{- range (list "MAX_DURATION_SECONDS" "COCONUT_UHD_DOLLARS_PER_MINUTE" "COCONUT_HD_DOLLARS_PER_MINUTE" "COCONUT_SD_DOLLARS_PER_MINUTE") }}
{{- $_ := set $own . (get $root.Values.settings.operator .) }}
{{- end }}
{{- end }}
{{- if $root.Values.regions }}
{{- $home := include "video-uploads.homeRegion" $root }}
{{- $_ := set $shared "REGION" (default $home $region.name) }}
{{- $_ := set $shared "REGIONS" (include "video-uploads.regionNames" $root) }}
{{- if eq .name "api" }}
{{- $_ := set $own "REGION_COUNTRIES" (include "video-uploads.regionCountries" $root) }}
{{- $_ := set $own "REGIONS_ELSEWHERE" (include "video-uploads.regionsElsewhere" $root) }}
{{- else }}
{{- $_ := set $own "REGION_HOME" $home }}
{{- end }}
{{- end }}
{{- include "video-uploads.variables" $shared }}
{{- include "video-uploads.variables" (merge (deepCopy (default dict $region.storage)) $root.Values.settings.storage) }}
{{- include "video-uploads.variables" $own }}
{{- if eq .name "api" }}
{{- range $root.Values.regions }}
{{- $prefixed := dict }}
{{- $prefix := include "video-uploads.regionPrefix" . }}
{{- range $name, $value := merge (deepCopy .storage) $root.Values.settings.storage }}
{{- $_ := set $prefixed (printf "%s%s" $prefix $name) $value }}
{{- end }}
{{- include "video-uploads.variables" $prefixed }}
{{- end }}
{{- end }}
{{- with (get $root.Values .name).extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "video-uploads.mounts" -}}
- name: credentials
  mountPath: /run/secrets/video-uploads
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- with (get .root.Values .name).extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Migrates the database to this release; several pods may run it at once. */}}
{{- define "video-uploads.migrations" -}}
- name: migrations
  image: {{ include "video-uploads.image" .root | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [migrate]
  securityContext:
    {{- toYaml .root.Values.securityContext | nindent 4 }}
  env:
    - name: SECRETS_DIR
      value: /run/secrets/video-uploads
    {{- with (get .root.Values .name).extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  resources:
    {{- toYaml (get .root.Values .name).resources | nindent 4 }}
  volumeMounts:
    {{- include "video-uploads.mounts" . | nindent 4 }}
{{- end -}}

{{- define "video-uploads.container" -}}
{{- $own := get .root.Values .name -}}
- name: {{ .name }}
  image: {{ include "video-uploads.image" .root | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [{{ .name }}]
  securityContext:
    {{- toYaml .root.Values.securityContext | nindent 4 }}
  env:
    {{- include "video-uploads.env" . | nindent 4 }}
  ports:
    - name: http
      containerPort: {{ .port }}
  {{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
  {{- with get $own $probe }}
  {{ $probe }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  resources:
    {{- toYaml $own.resources | nindent 4 }}
  volumeMounts:
    {{- include "video-uploads.mounts" . | nindent 4 }}
{{- end -}}

{{/* Spreads replicas over zones and nodes, as far as the cluster allows. */}}
{{- define "video-uploads.spread" -}}
{{- $own := get .root.Values .name -}}
{{- if $own.topologySpreadConstraints }}
{{- toYaml $own.topologySpreadConstraints }}
{{- else }}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "video-uploads.selectorLabels" $.root | nindent 6 }}
      app.kubernetes.io/component: {{ include "video-uploads.component" $ }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The body of both Deployments, which differ in values only. */}}
{{- define "video-uploads.deployment" -}}
{{- $root := .root -}}
{{- $own := get .root.Values .name -}}
metadata:
  name: {{ include "video-uploads.fullname" $root }}-{{ include "video-uploads.component" . }}
  namespace: {{ include "video-uploads.namespace" $root }}
  labels:
    {{- include "video-uploads.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ include "video-uploads.component" . }}
  {{- with $own.deploymentAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if not (or (kindIs "invalid" $own.replicaCount) (and $own.autoscaling $own.autoscaling.enabled)) }}
  replicas: {{ $own.replicaCount }}
  {{- end }}
  revisionHistoryLimit: {{ $own.revisionHistoryLimit }}
  strategy:
    {{- toYaml $own.strategy | nindent 4 }}
  selector:
    matchLabels:
      {{- include "video-uploads.selectorLabels" $root | nindent 6 }}
      app.kubernetes.io/component: {{ include "video-uploads.component" . }}
  template:
    metadata:
      labels:
        {{- include "video-uploads.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ include "video-uploads.component" . }}
        {{- if and $root.Values.regions (eq .name "operator") }}
        video.uploads.dev/region: {{ default (include "video-uploads.homeRegion" $root) (default dict .region).name }}
        {{- end }}
        {{- with $own.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .name }}
        {{- with $own.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include (printf "video-uploads.%sServiceAccount" .name) $root }}
      # Variables about Services would clutter the settings.
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds }}
      securityContext:
        {{- toYaml $root.Values.podSecurityContext | nindent 8 }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      initContainers:
        {{- with $own.extraInitContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- include "video-uploads.migrations" . | nindent 8 }}
      containers:
        {{- include "video-uploads.container" . | nindent 8 }}
        {{- with $own.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        {{- include "video-uploads.credentialsVolume" . | nindent 8 }}
        - name: tmp
          emptyDir:
            sizeLimit: 64Mi
        {{- with $own.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      topologySpreadConstraints:
        {{- include "video-uploads.spread" . | trim | nindent 8 }}
      {{- range $field := list "nodeSelector" "tolerations" "affinity" "dnsConfig" "hostAliases" }}
      {{- with get $own $field }}
      {{ $field }}:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
      {{- range $field := list "priorityClassName" "runtimeClassName" "dnsPolicy" }}
      {{- with get $own $field }}
      {{ $field }}: {{ . }}
      {{- end }}
      {{- end }}
{{- end -}}

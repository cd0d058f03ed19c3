"""The administrators' calls: overview, dead letters, webhook endpoints, deliveries. All need the scope `admin`.

The operator sends the webhooks (controller/notify/).
"""

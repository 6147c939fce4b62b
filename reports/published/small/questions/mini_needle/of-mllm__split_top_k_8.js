given("of-mllm__split_top_k_8",{"outcomes":"333323231131223332233321","labels":null});

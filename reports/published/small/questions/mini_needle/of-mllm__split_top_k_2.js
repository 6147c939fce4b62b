given("of-mllm__split_top_k_2",{"outcomes":"332313333333233233313321","labels":null});

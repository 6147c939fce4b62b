given("of-mllm__top_k_2",{"outcomes":"332313333333233232311321","labels":null});

given("of-mllm__top_k_8",{"outcomes":"332323211123223312233321","labels":null});

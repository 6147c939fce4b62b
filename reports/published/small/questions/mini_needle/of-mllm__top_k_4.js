given("of-mllm__top_k_4",{"outcomes":"332313233323223333211321","labels":null});

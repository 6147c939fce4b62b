given("of-mllm__top_k_8",{"outcomes":"112222211121222112221121","labels":null});

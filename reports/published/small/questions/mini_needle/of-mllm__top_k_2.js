given("of-mllm__top_k_2",{"outcomes":"112212212121221112211121","labels":null});

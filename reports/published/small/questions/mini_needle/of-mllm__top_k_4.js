given("of-mllm__top_k_4",{"outcomes":"112122212121221112211121","labels":null});

given("of-mllm__bin_max_4",{"outcomes":"112222211121222112121121","labels":null});

given("of-mllm__aks_4",{"outcomes":"112222211121222112121121","labels":null});

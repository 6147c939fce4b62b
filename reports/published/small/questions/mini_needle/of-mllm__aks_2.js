given("of-mllm__aks_2",{"outcomes":"112222211121222112221121","labels":null});

given("of-mllm__q_frame_4",{"outcomes":"112122211121222112121121","labels":null});

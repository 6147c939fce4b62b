given("of-rgb__random_50",{"outcomes":"223333213323212331332311","labels":null});

given("of-rgb__uniform_25",{"outcomes":"122231323332332321232132","labels":null});

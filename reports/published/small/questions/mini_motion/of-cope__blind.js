given("of-cope__blind",{"outcomes":"212121222122221121222221","labels":null});
